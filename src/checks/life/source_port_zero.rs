//! Checks a datagram without a source port, which cannot be answered.

use crate::check;
use crate::checks::Check;
use crate::outcome::Level::Must;
use crate::server::Server;
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "life/survives-source-port-zero",
    level: Must,
    sentence: "a datagram from source port 0, which cannot be answered, does not end the service",
    why: "the source port of a datagram is optional, and 0 if it is not used; sendto(2) to port 0 fails with EINVAL, and a server that takes that as fatal can be ended by anyone with one forged packet",
    citations: &["RFC 768 (Source Port)", "sendto(2) (EINVAL)", "RFC 8085 §5.1"],
    recipe: "through a raw socket twice send a request from source port 0; after each exchange a message with a new client",
    requires: Capabilities::UDP.union(Capabilities::MANY_CLIENTS).union(Capabilities::LOCAL),
    run,
};

fn run(server: &mut Server) -> check::Result {
    let mut client = server.connect_and_exchange()?;
    // The server answers such requests from other ports, so that only the port is unusual.
    for content in [&b"who am I?"[..], b"and now?"] {
        let request = client.encode(content)?;
        server.send_from_port_zero(&request)?;
        server
            .connect_and_exchange()
            .map_err(|finding| finding.because("after a datagram from source port 0"))?;
    }
    Ok(())
}
