//! TCP on the loopback interface of IPv6. tcp(7), RFC 9293, RFC 8200.

use std::net::Ipv6Addr;
use std::path::Path;

use socket2::Type;

use super::{Capabilities, Reserved, Shows, Transport, port, tcp};

pub(super) const TRANSPORT: Transport = Transport {
    name: "tcp6",
    says: "a connection to a port over IPv6, as a stream of bytes",
    offers: Capabilities::STREAM
        .union(Capabilities::HALF_CLOSE)
        .union(Capabilities::MANY_CLIENTS)
        .union(Capabilities::AT_ONCE)
        .union(Capabilities::CONNECTIONS)
        .union(Capabilities::BINDS)
        .union(Capabilities::TCP),
    placeholders: &["{addr}"],
    reserve,
    dial: tcp::dial,
    open: tcp::open,
    inherited: None,
    shows: Shows::Tcp,
};

fn reserve(_scratch: &Path) -> std::io::Result<Reserved> {
    port::reserve_at(Ipv6Addr::LOCALHOST.into(), Type::STREAM)
}
