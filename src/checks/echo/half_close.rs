//! The end of one direction is not the end of the other.

use crate::check;
use crate::checks::Check;
use crate::deadline::until;
use crate::outcome::Level::Must;
use crate::payload::{KIB, MIB};
use crate::server::Server;
use crate::text::count;
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "echo/half-close",
    level: Must,
    says: "after the client shuts down its write side, the server still sends back every byte, then end of file",
    why: "a server that treats end of file as 'close now' throws away what it has not yet written",
    cites: &["RFC 862", "RFC 9293 §3.6", "shutdown(2)"],
    recipe: "send 32 KiB and end the write side at once, read all back, then end of file; 8 times; again with data and end arriving while the server is stopped; again reading only after a stall and the end",
    needs: Capabilities::STREAM.union(Capabilities::HALF_CLOSE),
    run,
};

/// The end must overtake the server in the middle of its work, which one try may miss.
const TRIES: usize = 8;

fn run(server: &mut Server) -> check::Result {
    for _ in 0..TRIES {
        let bytes = server.payload(32 * KIB);
        let mut client = server.connect()?;
        client.send(&bytes)?;
        client.shut_down_write()?;
        client.expect(&bytes)?;
        client.expect_eof()?;
    }
    all_at_once(server)?;
    late_reader(server)
}

/// Data and end wait for the server together: it was frozen when they came.
fn all_at_once(server: &mut Server) -> check::Result {
    let bytes = server.payload(40 * KIB);
    let mut client = server.connect()?;
    // A process launched for its client is there already; another has to accept it first.
    if server.spec().offers().contains(Capabilities::MANY_CLIENTS) {
        client.exchange(&bytes[..1])?;
    }
    server.freeze()?;
    client.send(&bytes)?;
    client.shut_down_write()?;
    server.thaw()?;
    let told = client.expect(&bytes).and_then(|()| client.expect_eof());
    told.map_err(|finding| finding.because("data and end of file arrived while the server was stopped"))
}

/// The end comes while the server still holds what the client has not read: everything that can be under
/// way at all, and less, so that the end itself is not held up behind data in the client's own kernel.
fn late_reader(server: &mut Server) -> check::Result {
    let bytes = server.payload(32 * MIB);
    let most = reads_late(server, &bytes)?;
    reads_late(server, &bytes[..most / 4 * 3])?;
    reads_late(server, &bytes[..most / 2])?;
    Ok(())
}

/// Sends as much of `bytes` as is taken, ends the direction, and reads only after a while; answers how much
/// was taken.
fn reads_late(server: &mut Server, bytes: &[u8]) -> check::Result<usize> {
    let mut client = server.connect()?;
    let taken = client.fill_until_blocked(bytes)?;
    client.shut_down_write()?;
    // No event tells that the server has acted on the end. One that acts rightly may do so at any time.
    until(server.deadlines().quiet(), || Ok(None::<()>))?;
    let told = client.expect(&bytes[..taken]).and_then(|()| client.expect_eof());
    told.map_err(|finding| {
        finding.because(format!("the client read only after sending {} and ending", count(taken, "byte")))
    })?;
    Ok(taken)
}
