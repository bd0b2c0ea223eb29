//! UDP on loopback. udp(7), RFC 768.
//!
//! The client's socket stays unconnected: a connected one would hide an answer that comes from
//! another address than the one that was asked.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

use socket2::{Domain, Socket, Type};

use super::{
    Capabilities, Channel, Dial, Link, MessageChannel, Opening, Reserved, Room, Shows, Transport, client,
    port,
};

pub(super) const TRANSPORT: Transport = Transport {
    name: "udp",
    says: "datagrams to a port, without a connection",
    offers: Capabilities::MESSAGES
        .union(Capabilities::CONNECTIONLESS)
        .union(Capabilities::MANY_CLIENTS)
        .union(Capabilities::AT_ONCE)
        .union(Capabilities::SOURCE_ADDRESS)
        .union(Capabilities::BINDS)
        .union(Capabilities::PORT)
        .union(Capabilities::UDP),
    placeholders: &["{addr}", "{port}"],
    reserve,
    dial,
    open,
    inherited: None,
    shows: Shows::Udp,
};

fn reserve(_scratch: &Path) -> std::io::Result<Reserved> {
    port::reserve(Type::DGRAM)
}

pub(super) fn dial(dial: &Dial<'_>) -> std::io::Result<Link> {
    let address = dial.address.expect_inet()?;
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, None)?;
    client::enlarge_buffers(&socket);
    dial.size(&socket)?;
    socket.bind(&dial.options.source.unwrap_or_else(|| any_port_near(address)).into())?;
    Link::unconnected(socket, address.into())
}

fn any_port_near(server: SocketAddr) -> SocketAddr {
    let loopback = match server {
        SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
        SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
    };
    SocketAddr::new(loopback, 0)
}

/// The most that a datagram over IPv4 carries. RFC 768.
const LARGEST: usize = 65_507;

/// Here the socket is connected: then the kernel need not look for the way again with each datagram.
pub(super) fn open(opening: Opening<'_>) -> std::io::Result<Box<dyn Channel>> {
    let address = opening.address.expect_inet()?;
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, None)?;
    let room = Room::of_socket(&socket, opening.tuning)?.of_datagrams();
    opening.tuning.size(&socket)?;
    socket.connect(&address.into())?;
    let largest = LARGEST.min(socket.send_buffer_size()?);
    MessageChannel::over(socket, opening.waiting, room, largest)
}
