//! Checks that a server does not depend on line ends.

use crate::check;
use crate::checks::{Check, pace};
use crate::outcome::Level::Must;
use crate::payload::KIB;
use crate::server::Server;
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "echo/long-line",
    level: Must,
    sentence: "300 KiB without a newline come back like any other bytes",
    why: "a server that reads lines keeps each in a buffer; when that buffer is full, it closes the connection or drops the rest",
    citations: &["RFC 862", "read(2)"],
    recipe: "send 300 KiB, or 80 KiB if the server is slow, that contain neither line feed nor carriage return, 4 KiB at a time, and wait for each; then exchange a short line; shut down the write side, and read what a server that buffers its output still holds",
    requires: Capabilities::ECHO.union(Capabilities::STREAM).union(Capabilities::HALF_CLOSE),
    run,
};

/// The number of bytes that the client of a check sends at a time: few enough for the socket's buffers, so that
/// backpressure, which echo/slow-reader checks, does not occur here.
const PIECE: usize = 4 * KIB;

/// The number of pieces that are sent to a slow server: more than 64 KiB.
const ENOUGH: usize = 20;

fn run(server: &mut Server) -> check::Result {
    let mut bytes = server.payload(300 * KIB);
    bytes.iter_mut().filter(|byte| matches!(byte, b'\n' | b'\r')).for_each(|byte| *byte = b'.');
    let mut client = server.connect()?;
    let pieces: Vec<_> = bytes.chunks(PIECE).collect();
    pace::repeat(pieces.len(), ENOUGH, |number| {
        let sent = client.send_and_collect(pieces[number]);
        sent.map_err(|finding| finding.because("in the middle of one long line"))
    })?;
    client.send_and_collect(b"and a short one\n")?;
    client.collect_rest()
}
