//! Checks an amount of data far larger than every buffer, sent and read at the same time.

use std::time::Duration;

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
    recipe: "send 1 MiB, and then 64 MiB over another connection, or 4 MiB if the first took more than a second; compare the echo at the same time; each time shut down the write side; expect end of file",
    requires: Capabilities::ECHO.union(Capabilities::STREAM).union(Capabilities::HALF_CLOSE),
    run,
};

/// The number of bytes that are sent to a server, and to a slow one.
const MUCH: usize = 64 * MIB;
const LITTLE: usize = 4 * MIB;

/// The time for the first MiB from which a server counts as slow: it would need a minute for 64 MiB.
const SLOW: Duration = Duration::from_secs(1);

fn run(server: &mut Server) -> check::Result {
    let slow = exchange(server, MIB)? >= SLOW;
    exchange(server, if slow { LITTLE } else { MUCH }).map(drop)
}

/// Exchanges `length` bytes over a connection of their own. Returns how long it took until they were back.
fn exchange(server: &mut Server, length: usize) -> check::Result<Duration> {
    let bytes = server.payload(length);
    let mut stopwatch = server.stopwatch();
    let mut client = server.connect()?;
    client.send_and_collect(&bytes)?;
    // The thread that serves the client may exit at its end.
    let taken = stopwatch.elapsed();
    client.finish()?;
    Ok(taken)
}
