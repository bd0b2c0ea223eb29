//! Checks an amount of data far larger than every buffer, sent and read at the same time.

use crate::check;
use crate::checks::Check;
use crate::outcome::Level::Must;
use crate::payload::MIB;
use crate::server::Server;
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "echo/full-duplex",
    level: Must,
    sentence: "64 MiB, sent while the client reads the echo, come back byte for byte, followed by end of file",
    why: "a server that reads to the end before it writes, or closes with input unread, fails on large amounts of data",
    citations: &["RFC 862", "RFC 9293 §3.6.1", "RFC 2525 §2.17"],
    recipe: "send 64 MiB, and compare the echo at the same time; shut down the write side; expect end of file",
    requires: Capabilities::ECHO.union(Capabilities::STREAM).union(Capabilities::HALF_CLOSE),
    run,
};

fn run(server: &mut Server) -> check::Result {
    let bytes = server.payload(64 * MIB);
    let mut client = server.connect()?;
    client.send_and_collect(&bytes)?;
    client.finish()
}
