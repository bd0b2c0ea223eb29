//! Checks messages up to the largest size that the mechanism carries.

use crate::check;
use crate::checks::Check;
use crate::outcome::Level::Must;
use crate::server::Server;
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "echo/large-messages",
    level: Must,
    sentence: "messages up to the largest size of the mechanism come back complete",
    why: "a UDP datagram may carry 65,507 bytes; a smaller buffer truncates it, and a server that does not expect EMSGSIZE exits",
    citations: &["RFC 768", "RFC 862", "udp(7)", "unix(7)"],
    recipe: "send one message of each size from 8,193 bytes to 65,507 (UDP) or 150,000 (Unix), as far as this system sends them; wait for each",
    requires: Capabilities::ECHO.union(Capabilities::MESSAGES),
    run,
};

/// The largest payload of a UDP datagram over IPv4: 65,535 bytes less the headers of IPv4 (20) and UDP (8).
const LARGEST_UDP: usize = 65_507;
const SIZES: [usize; 7] = [8193, 9000, 16_384, 32_768, LARGEST_UDP, 65_536, 150_000];

fn run(server: &mut Server) -> check::Result {
    let mut client = server.connect()?;
    let udp = server.spec().capabilities().contains(Capabilities::UDP);
    let carried = |length: usize| !udp || length <= LARGEST_UDP;
    for length in
        SIZES.into_iter().filter(|&length| carried(length) && client.can_send(length)).collect::<Vec<_>>()
    {
        client.exchange(&server.payload(length))?;
    }
    Ok(())
}
