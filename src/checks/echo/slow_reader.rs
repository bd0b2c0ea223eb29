//! Backpressure: what a server must hold while its client is not reading.

use crate::checks::Check;
use crate::payload::MIB;
use crate::server::Server;
use crate::transport::Needs;
use crate::verdict::{Level::Must, Verdict, count};

pub const CHECK: Check = Check {
    id: "echo/slow-reader",
    level: Must,
    says: "a client that sends until nothing more is taken, and only then reads, gets every byte in order",
    why: "under backpressure a write takes only a part, or nothing: the rest is lost, or sent twice, by servers that ignore what write(2) returns",
    cites: &["RFC 862", "write(2)", "RFC 9293 §3.8.6"],
    recipe: "send without reading until the socket stays unwritable (at most 32 MiB), then read all, compare, and end it orderly",
    needs: Needs::STREAM.union(Needs::HALF_CLOSE),
    run,
};

fn run(server: &mut Server) -> Verdict {
    let bytes = server.payload(32 * MIB);
    let mut client = server.connect()?;
    let taken = client.stuff(&bytes)?;
    let stall = format!("after a stall with {} taken", count(taken, "byte"));
    client.expect(&bytes[..taken]).map_err(|finding| finding.because(&stall))?;
    client.shut_down_write()?;
    client.expect_eof().map_err(|finding| finding.because(&stall))
}
