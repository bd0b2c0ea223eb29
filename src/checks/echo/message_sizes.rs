//! Checks messages of common sizes, up to 8 KiB.

use crate::check;
use crate::checks::Check;
use crate::outcome::Level::Must;
use crate::server::Server;
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "echo/message-sizes",
    level: Must,
    sentence: "a message of any common size comes back as one message of that size",
    why: "the kernel discards the part of a datagram that does not fit into the buffer, so a buffer of 512 or 1,024 bytes silently truncates it",
    citations: &["RFC 862", "recv(2) (MSG_TRUNC)", "udp(7)"],
    recipe: "send one message of each of 18 sizes from 1 to 8,192 bytes, around common buffer sizes and the Ethernet MTU; wait for each",
    requires: Capabilities::ECHO.union(Capabilities::MESSAGES),
    run,
};

const SIZES: [usize; 18] =
    [1, 5, 6, 508, 511, 512, 513, 1023, 1024, 1025, 1472, 1473, 2047, 2048, 2049, 4096, 4097, 8192];

fn run(server: &mut Server) -> check::Result {
    let mut client = server.connect()?;
    for length in SIZES.into_iter().filter(|&length| client.can_send(length)).collect::<Vec<_>>() {
        client.exchange(&server.payload(length))?;
    }
    Ok(())
}
