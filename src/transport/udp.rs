//! UDP on loopback. udp(7), RFC 768.
//!
//! The client's socket stays unconnected: a connected one would hide an answer that comes from
//! another address than the one that was asked.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use socket2::{Domain, Socket, Type};

use super::{Dial, Link, Needs, Reserved, Transport, messenger, port};

pub(super) const TRANSPORT: Transport = Transport {
    name: "udp",
    says: "datagrams to a port, without a connection",
    offers: Needs::MESSAGES
        .union(Needs::CONNECTIONLESS)
        .union(Needs::MANY_CLIENTS)
        .union(Needs::AT_ONCE)
        .union(Needs::SOURCE_ADDRESS)
        .union(Needs::BINDS)
        .union(Needs::PORT)
        .union(Needs::UDP),
    placeholders: &["{addr}", "{port}"],
    reserve,
    dial,
};

fn reserve(_scratch: &Path) -> std::io::Result<Reserved> {
    port::reserve(Type::DGRAM)
}

fn dial(dial: &Dial<'_>) -> std::io::Result<Link> {
    let address = dial.address.expect_inet()?;
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, None)?;
    messenger::widen(&socket);
    dial.size(&socket)?;
    socket.bind(&dial.approach.source.unwrap_or(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).into())?;
    Link::unconnected(socket, address.into())
}
