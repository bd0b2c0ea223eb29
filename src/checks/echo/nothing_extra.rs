//! Checks that the server sends nothing after the echo.

use crate::check;
use crate::checks::Check;
use crate::outcome::Level::Must;
use crate::server::Server;
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "echo/nothing-extra",
    level: Must,
    sentence: "after the echo of the last byte comes end of file, and nothing else",
    why: "a goodbye message, an added newline or a byte sent twice corrupts what the client stores",
    citations: &["RFC 862"],
    recipe: "send 1,000 bytes that do not end in a newline; wait for them; shut down the write side; expect only what a server that buffers its output still holds, and then end of file",
    requires: Capabilities::ECHO.union(Capabilities::STREAM).union(Capabilities::HALF_CLOSE),
    run,
};

fn run(server: &mut Server) -> check::Result {
    let mut bytes = server.payload(999);
    bytes.push(b'.');
    let mut client = server.connect()?;
    client.send_and_collect(&bytes)?;
    client.finish()
}
