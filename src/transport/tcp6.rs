//! TCP over IPv6 on loopback. tcp(7), RFC 9293, RFC 8200.

use std::net::Ipv6Addr;
use std::path::Path;

use socket2::Type;

use super::{Capabilities, Readiness, ReservedAddress, Transport, port, tcp};

pub(super) const TRANSPORT: Transport = Transport {
    name: "tcp6",
    summary: "a connection to a port over IPv6, as a stream of bytes",
    capabilities: Capabilities::STREAM
        .union(Capabilities::HALF_CLOSE)
        .union(Capabilities::MANY_CLIENTS)
        .union(Capabilities::CONCURRENT_CLIENTS)
        .union(Capabilities::CONNECTIONS)
        .union(Capabilities::BINDS)
        .union(Capabilities::PORT)
        .union(Capabilities::TCP),
    placeholders: &["{addr}"],
    reserve,
    connect: tcp::connect,
    open_channel: tcp::open_channel,
    inherited: None,
    readiness: Readiness::TcpListener,
};

fn reserve(_scratch: &Path) -> std::io::Result<ReservedAddress> {
    port::reserve_at(Ipv6Addr::LOCALHOST.into(), Type::STREAM)
}
