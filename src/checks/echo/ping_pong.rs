//! Checks many messages and answers over one connection.

use crate::check;
use crate::checks::{Check, pace};
use crate::outcome::Level::Must;
use crate::server::Server;
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "echo/ping-pong",
    level: Must,
    sentence: "one connection carries many messages without newlines, each answered before the next is sent",
    why: "a server that calls read(2) once for each connection answers once and closes",
    citations: &["RFC 862", "recv(2)"],
    recipe: "40 times on one connection, or 12 times if the server is slow: send 1 to 1,500 bytes, and wait for exactly those; then shut down the write side, and expect end of file",
    requires: Capabilities::ECHO.union(Capabilities::STREAM).union(Capabilities::HALF_CLOSE),
    run,
};

fn run(server: &mut Server) -> check::Result {
    let bytes = server.payload(1500);
    let mut client = server.connect()?;
    pace::repeat(40, 12, |turn| client.exchange(&bytes[..1 + turn * 37 % 1500]))?;
    client.shut_down_write()?;
    client.expect_eof()
}
