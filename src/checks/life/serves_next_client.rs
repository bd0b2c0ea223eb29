//! Checks that a server serves one client after another.

use crate::check;
use crate::checks::Check;
use crate::outcome::Level::Should;
use crate::server::Server;
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "life/serves-next-client",
    level: Should,
    sentence: "when a client has gone, the server serves the next one",
    why: "a server that accepts only one client, or exits after it, has to be started again by hand for each client",
    citations: &["accept(2)", "listen(2)"],
    recipe: "three clients, one after another, connect, exchange a message and close",
    requires: Capabilities::CONNECTIONS.union(Capabilities::MANY_CLIENTS),
    run,
};

/// The number of clients of the check.
const CLIENTS: usize = 3;

fn run(server: &mut Server) -> check::Result {
    for number in 1..=CLIENTS {
        let served = server.connect_and_exchange().and_then(|mut client| client.finish());
        served.map_err(|finding| match number {
            1 => finding,
            _ => finding.because(format!("client {number}; the one before was served, and has gone")),
        })?;
    }
    Ok(())
}
