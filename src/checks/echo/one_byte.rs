//! Checks that a server answers a single byte, without waiting for a line or a full block.

use crate::check;
use crate::checks::Check;
use crate::outcome::Level::Must;
use crate::server::Server;
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "echo/one-byte",
    level: Must,
    sentence: "a single byte without a newline comes back before the client sends the next one",
    why: "with a server that waits for a line, a full block or end of file, a client that waits for each answer hangs",
    citations: &["RFC 862", "stdio(3)", "setvbuf(3)"],
    recipe: "connect; send one byte that is not a newline; wait for it; send another, and wait for it",
    requires: Capabilities::ECHO.union(Capabilities::STREAM),
    run,
};

fn run(server: &mut Server) -> check::Result {
    let mut client = server.connect()?;
    client.exchange(b"x")?;
    client.exchange(b"y")
}
