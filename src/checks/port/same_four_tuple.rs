//! The same two addresses and ports once more.

use std::net::{Ipv4Addr, SocketAddr};

use crate::checks::Check;
use crate::server::Server;
use crate::transport::{Approach, Needs};
use crate::verdict::{Finding, Level::Must, Verdict};

pub const CHECK: Check = Check {
    id: "port/same-four-tuple",
    level: Must,
    says: "a client that comes back from the same address and port straight after a reset is a new client, served as such",
    why: "a server that keeps state by the peer's address mixes the new conversation with the dead one, or refuses it",
    cites: &["RFC 9293 §3.4.1", "RFC 9293 §3.5.3", "RFC 9293 §3.10.5"],
    recipe: "connect, exchange, reset (SO_LINGER 0 leaves no TIME_WAIT); connect again from the same port; 5 times",
    needs: Needs::TCP.union(Needs::MANY_CLIENTS),
    run,
};

fn run(server: &mut Server) -> Verdict {
    // Of the same family as the server's: 127.0.0.1 or ::1.
    let loopback = server.address().inet().map_or(Ipv4Addr::LOCALHOST.into(), |address| address.ip());
    let mut source = SocketAddr::from((loopback, 0));
    for round in 1..=5 {
        let bytes = server.payload(300);
        let mut client = server.connect_as(&Approach { source: Some(source), ..Approach::default() })?;
        let actual = client.local_address()?;
        if round > 1 && actual != source {
            return Err(Finding::broken(format!("source {source} again"), format!("{actual}")));
        }
        source = actual;
        client
            .exchange(&bytes)
            .map_err(|finding| finding.because(format!("connection {round} from {source}")))?;
        client.reset()?;
    }
    Ok(())
}
