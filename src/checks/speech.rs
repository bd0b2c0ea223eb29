//! A client that insists on every byte, but not on a dialogue.

use std::time::Duration;

use crate::check;
use crate::server::Server;
use crate::transport::Client;

/// What a client says, and hears at the latest when it has ended its direction.
///
/// A filter may gather what it has to write, as stdio(3) does on a pipe, and yet echo every byte. Checks that
/// ask for a dialogue tell of that; those that ask for something else speak in this way.
pub(super) struct Speech {
    client: Client,
    /// How long the server may be silent before it is taken to gather.
    lull: Duration,
    /// Sent, and not come back, as it was said.
    owed: Vec<Vec<u8>>,
}

impl Speech {
    /// To a new client's server.
    pub fn to(server: &mut Server) -> check::Result<Speech> {
        Ok(Speech::by(server.connect()?, server))
    }

    /// By a client that is there already.
    pub fn by(client: Client, server: &Server) -> Speech {
        Speech { client, lull: server.deadlines().reply(), owed: Vec::new() }
    }

    /// Sends `bytes` and awaits their echo, as long as the server has answered all that was said before.
    pub fn say(&mut self, bytes: &[u8]) -> check::Result {
        let mut back = 0;
        if self.owed.is_empty() {
            back = self.client.exchange_until(bytes, self.lull)?;
        } else {
            self.client.send(bytes)?;
        }
        if back < bytes.len() {
            self.owed.push(bytes[back..].to_vec());
        }
        Ok(())
    }

    /// Has everything back: what the server has kept, by ending the direction.
    pub fn hear_out(mut self) -> check::Result {
        if self.owed.is_empty() { Ok(()) } else { self.finish() }
    }

    /// Ends the direction, has everything back, and then nothing but end of file.
    pub fn end(mut self) -> check::Result {
        self.finish()?;
        self.client.expect_eof()
    }

    fn finish(&mut self) -> check::Result {
        self.client.shut_down_write()?;
        for bytes in &self.owed {
            self.client
                .expect(bytes)
                .map_err(|finding| finding.because("it had not come back before the client's end"))?;
        }
        Ok(())
    }
}

/// Waits for `bytes`, which `client` has sent, and ends its direction to have those that the server keeps; then
/// for end of file.
pub(super) fn hear_out(mut client: Client, bytes: &[u8], lull: Duration) -> check::Result {
    let back = client.expect_until(bytes, lull)?;
    client.shut_down_write()?;
    client.expect(&bytes[back..])?;
    client.expect_eof()
}
