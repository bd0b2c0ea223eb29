//! Checks the source address of an answer over UDP.

use crate::check::{self, Finding};
use crate::checks::Check;
use crate::outcome::Level::Should;
use crate::server::Server;
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "echo/reply-address",
    level: Should,
    sentence: "the answer to a datagram comes from the address and port to which the datagram was sent",
    why: "connected clients, firewalls and NATs drop an answer that comes from another address or port",
    citations: &["RFC 862", "RFC 1122 §3.3.4.2", "RFC 1122 §4.1.3.5", "connect(2)"],
    recipe: "send from an unconnected socket, and compare the answer's source with the server's address",
    requires: Capabilities::ECHO.union(Capabilities::UDP),
    run,
};

fn run(server: &mut Server) -> check::Result {
    let mut client = server.connect()?;
    let answer = client.exchange_message(b"who answers?")?;
    let wanted = server.address().to_string();
    match answer.sender {
        Some(sender) if sender.to_string() == wanted => Ok(()),
        Some(sender) => Err(Finding::fail(format!("an answer from {wanted}"), format!("one from {sender}"))),
        None => Err(Finding::broken("the sender's address", "recvfrom(2) returned none")),
    }
}
