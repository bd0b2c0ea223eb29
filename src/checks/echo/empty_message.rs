//! Checks that a datagram of 0 bytes is answered like any other.

use crate::check;
use crate::checks::Check;
use crate::outcome::Level::Must;
use crate::server::Server;
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "echo/empty-message",
    level: Must,
    sentence: "an empty datagram is answered with an empty datagram, and the server keeps serving",
    why: "recv(2) returns 0 for an empty datagram; a server written for streams takes that for end of file",
    citations: &["RFC 862", "RFC 768", "recv(2)"],
    recipe: "send an empty datagram; wait for an empty one; then send an ordinary one, and wait for it",
    requires: Capabilities::ECHO.union(Capabilities::MESSAGES).union(Capabilities::CONNECTIONLESS),
    run,
};

fn run(server: &mut Server) -> check::Result {
    let mut client = server.connect()?;
    client.exchange(b"")?;
    client.exchange(b"after the empty one")
}
