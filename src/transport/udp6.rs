//! UDP on the loopback interface of IPv6. udp(7), RFC 768, RFC 8200.

use std::net::Ipv6Addr;
use std::path::Path;

use socket2::Type;

use super::{Capabilities, Reserved, Shows, Transport, port, udp};

pub(super) const TRANSPORT: Transport = Transport {
    name: "udp6",
    says: "datagrams to a port over IPv6, without a connection",
    offers: Capabilities::MESSAGES
        .union(Capabilities::CONNECTIONLESS)
        .union(Capabilities::MANY_CLIENTS)
        .union(Capabilities::AT_ONCE)
        .union(Capabilities::BINDS)
        .union(Capabilities::UDP),
    placeholders: &["{addr}"],
    reserve,
    dial: udp::dial,
    open: udp::open,
    inherited: None,
    shows: Shows::Udp,
};

fn reserve(_scratch: &Path) -> std::io::Result<Reserved> {
    port::reserve_at(Ipv6Addr::LOCALHOST.into(), Type::DGRAM)
}
