//! Checks that a client which connects and sends nothing does not keep the server from others.

use crate::check;
use crate::checks::{Check, steps};
use crate::outcome::Level::Should;
use crate::server::Server;
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "load/mute-client-blocks-none",
    level: Should,
    sentence: "while a client is connected that has sent nothing, other clients are accepted and answered",
    why: "a server that reads a client's first bytes, or completes a handshake with it, before it accepts the next client can be stopped by any client that connects and waits",
    citations: &["accept(2)", "recv(2)", "CWE-400"],
    recipe: "connect, and send nothing; another client connects and exchanges a message (not for servers that serve one client at a time)",
    requires: Capabilities::CONNECTIONS
        .union(Capabilities::CONCURRENT_CLIENTS)
        .union(Capabilities::MANY_CLIENTS),
    run,
};

/// The number of clients that must be served beside a client that sends nothing: each may reach another listener or
/// worker of the server.
const OTHERS: usize = 3;

fn run(server: &mut Server) -> check::Result {
    if !steps::serves_two_clients(server)? {
        return Ok(()); // The server serves one client at a time, so all others wait by design.
    }
    let _mute = server.connect()?;
    // The server has accepted the mute client by then, or waits for something.
    server.await_reaction()?;
    for _ in 0..OTHERS {
        let served = server.connect_and_exchange().and_then(|mut other| other.finish());
        served.map_err(|finding| {
            finding.because("another client is connected and has sent nothing: the server waits for it before it accepts or serves others")
        })?;
    }
    Ok(())
}
