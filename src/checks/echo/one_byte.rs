//! A stream has no lines and no messages.

use crate::check;
use crate::checks::Check;
use crate::outcome::Level::Must;
use crate::server::Server;
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "echo/one-byte",
    level: Must,
    says: "one byte without a newline comes back before the next is sent",
    why: "a server that waits for a line, a full block or the end of the stream stops every dialogue",
    cites: &["RFC 862", "stdio(3)", "setvbuf(3)"],
    recipe: "connect, send one byte that is no newline, wait for it, send another",
    needs: Capabilities::STREAM,
    run,
};

fn run(server: &mut Server) -> check::Result {
    let mut client = server.connect()?;
    client.exchange(b"x")?;
    client.exchange(b"y")
}
