//! The same two addresses and ports once more.

use crate::check::{self, Finding};
use crate::checks::Check;
use crate::outcome::Level::Must;
use crate::server::Server;
use crate::transport::{Capabilities, ConnectOptions};

pub const CHECK: Check = Check {
    id: "port/same-four-tuple",
    level: Must,
    says: "a client that comes back from the same address and port straight after a reset is a new client, served as such",
    why: "a server that keeps state by the peer's address mixes the new conversation with the dead one, or refuses it",
    cites: &["RFC 9293 §3.4.1", "RFC 9293 §3.5.3", "RFC 9293 §3.10.5"],
    recipe: "connect, exchange, reset (SO_LINGER 0 leaves no TIME_WAIT); connect again from the same port; 5 times",
    needs: Capabilities::TCP.union(Capabilities::MANY_CLIENTS),
    run,
};

fn run(server: &mut Server) -> check::Result {
    // Between two of our connections nobody else's may get the port.
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
