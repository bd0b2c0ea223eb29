//! Checks a new connection that has the same two addresses and ports as the one before.

use crate::check::{self, Finding};
use crate::checks::Check;
use crate::outcome::Level::Must;
use crate::server::Server;
use crate::transport::{Capabilities, ConnectOptions};

pub const CHECK: Check = Check {
    id: "port/same-four-tuple",
    level: Must,
    sentence: "a client that connects from the same address and port right after a reset is served as a new client",
    why: "a server that keeps state by the peer's address confuses the new connection with the old one, or refuses it",
    citations: &["RFC 9293 §3.4.1", "RFC 9293 §3.5.3", "RFC 9293 §3.10.5"],
    recipe: "5 times from one port: connect, exchange a message, and reset (SO_LINGER 0 leaves no TIME_WAIT)",
    requires: Capabilities::DISTINCT_REPLIES
        .union(Capabilities::TCP)
        .union(Capabilities::MANY_CLIENTS)
        .union(Capabilities::LOCAL),
    run,
};

fn run(server: &mut Server) -> check::Result {
    // The reservation keeps the port from other processes between two connections.
    let own = server.reserve_another()?;
    let source = own.address.inet();
    for round in 1..=5 {
        let bytes = server.payload(300);
        let mut client = server.connect_with(&ConnectOptions { source, ..ConnectOptions::default() })?;
        let actual = client.local_address()?;
        if Some(actual) != source {
            return Err(Finding::broken(format!("the source {}", own.address), format!("{actual}")));
        }
        client
            .exchange(&bytes)
            .map_err(|finding| finding.because(format!("connection {round} from {actual}")))?;
        client.reset()?;
    }
    Ok(())
}
