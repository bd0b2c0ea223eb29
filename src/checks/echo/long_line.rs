//! A line that does not end.

use crate::checks::Check;
use crate::payload::KIB;
use crate::server::Server;
use crate::transport::Needs;
use crate::verdict::{Level::Must, Verdict};

pub const CHECK: Check = Check {
    id: "echo/long-line",
    level: Must,
    says: "300 KiB without a newline come back like any other bytes",
    why: "a server that thinks in lines keeps one in a buffer of some size, and ends the conversation, or drops the rest, where that is full",
    cites: &["RFC 862", "read(2)"],
    recipe: "send 300 KiB that hold neither line feed nor carriage return, take the echo, exchange on",
    needs: Needs::STREAM,
    run,
};

fn run(server: &mut Server) -> Verdict {
    let mut bytes = server.payload(300 * KIB);
    bytes.iter_mut().filter(|byte| matches!(byte, b'\n' | b'\r')).for_each(|byte| *byte = b'.');
    let mut client = server.connect()?;
    client.exchange(&bytes)?;
    client.exchange(b"and a short one\n")
}
