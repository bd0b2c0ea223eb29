//! A message of no bytes is a message.

use crate::check;
use crate::checks::Check;
use crate::outcome::Level::Must;
use crate::server::Server;
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "echo/empty-message",
    level: Must,
    says: "a datagram of no bytes is answered by one of no bytes, and ends nothing",
    why: "recv(2) gives 0 for it, which a server that thinks in streams takes for the end",
    cites: &["RFC 862", "RFC 768", "recv(2)"],
    recipe: "send an empty datagram, await an empty one, then exchange an ordinary one",
    needs: Capabilities::MESSAGES.union(Capabilities::CONNECTIONLESS),
    run,
};

fn run(server: &mut Server) -> check::Result {
    let mut client = server.messenger()?;
    client.exchange(b"")?;
    client.exchange(b"after the empty one").map(drop)
}
