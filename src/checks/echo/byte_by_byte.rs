//! Checks that a server answers each byte of a client that sends one byte at a time.

use crate::check;
use crate::checks::{Check, pace};
use crate::outcome::Level::Must;
use crate::server::Server;
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "echo/byte-by-byte",
    level: Must,
    sentence: "when a client sends one byte at a time and waits for each, every byte comes back at once",
    why: "a server that reads in fixed-size units works only with clients that write in the same units",
    citations: &["RFC 862", "RFC 9293 §3.7"],
    recipe: "256 times, or 32 times if the server is slow: send one byte, wait for that byte",
    requires: Capabilities::ECHO.union(Capabilities::STREAM),
    run,
};

/// The number of bytes that are exchanged with a slow server.
const ENOUGH: usize = 32;

fn run(server: &mut Server) -> check::Result {
    let bytes = server.payload(256);
    let mut client = server.connect()?;
    pace::repeat(bytes.len(), ENOUGH, |number| client.exchange(&bytes[number..=number])).map(drop)
}
