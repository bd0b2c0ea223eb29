//! The end of one direction is not the end of the other.

use crate::checks::Check;
use crate::payload::KIB;
use crate::server::Server;
use crate::transport::Needs;
use crate::verdict::{Level::Must, Verdict};

pub const CHECK: Check = Check {
    id: "echo/half-close",
    level: Must,
    says: "after the client shuts down its write side, the server still sends back every byte, then end of file",
    why: "a server that treats end of file as 'close now' throws away what it has not yet written",
    cites: &["RFC 862", "RFC 9293 §3.6", "shutdown(2)"],
    recipe: "connect, send 32 KiB and end the write side at once, read all back, then end of file; 8 times",
    needs: Needs::STREAM.union(Needs::HALF_CLOSE),
    run,
};

/// The end must overtake the server in the middle of its work, which one try may miss.
const TRIES: usize = 8;

fn run(server: &mut Server) -> Verdict {
    for _ in 0..TRIES {
        let bytes = server.payload(32 * KIB);
        let mut client = server.connect()?;
        client.send(&bytes)?;
        client.shut_down_write()?;
        client.expect(&bytes)?;
        client.expect_eof()?;
    }
    Ok(())
}
