//! UDP over IPv6 on loopback. udp(7), RFC 768, RFC 8200.

use std::net::Ipv6Addr;
use std::path::Path;

use socket2::Type;

use super::{Capabilities, Readiness, ReservedAddress, Transport, port, udp};

pub(super) const TRANSPORT: Transport = Transport {
    name: "udp6",
    summary: "datagrams to a port over IPv6, without a connection",
    capabilities: Capabilities::MESSAGES
        .union(Capabilities::CONNECTIONLESS)
        .union(Capabilities::MANY_CLIENTS)
        .union(Capabilities::CONCURRENT_CLIENTS)
        .union(Capabilities::BINDS)
        .union(Capabilities::PORT)
        .union(Capabilities::UDP),
    placeholders: &["{addr}"],
    reserve,
    connect: udp::connect,
    open_channel: udp::open_channel,
    inherited: None,
    readiness: Readiness::UdpSocket,
};

fn reserve(_scratch: &Path) -> std::io::Result<ReservedAddress> {
    port::reserve_at(Ipv6Addr::LOCALHOST.into(), Type::DGRAM)
}
