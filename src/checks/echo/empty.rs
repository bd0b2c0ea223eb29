//! Checks a connection on which the client sends nothing.

use crate::check;
use crate::checks::Check;
use crate::outcome::Level::Must;
use crate::server::Server;
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "echo/empty",
    level: Must,
    sentence: "a client that shuts down its write side without sending anything receives end of file and no byte",
    why: "a server that waits for a first message, or answers end of file with data, leaves such a client waiting or misleads it",
    citations: &["RFC 862", "RFC 9293 §3.6", "read(2)"],
    recipe: "connect; shut down the write side at once; expect end of file",
    requires: Capabilities::ECHO.union(Capabilities::STREAM).union(Capabilities::HALF_CLOSE),
    run,
};

fn run(server: &mut Server) -> check::Result {
    let mut client = server.connect()?;
    client.shut_down_write()?;
    client.expect_eof()
}
