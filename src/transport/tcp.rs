//! TCP on loopback. tcp(7), RFC 9293.

use std::path::Path;

use socket2::{Domain, Protocol, Socket, Type};

use super::{
    ByteChannel, Capabilities, Channel, Dial, Link, Opening, Reserved, Room, Shows, Transport,
    connect_within, port, stream_socket,
};
use crate::payload::KIB;

pub(super) const TRANSPORT: Transport = Transport {
    name: "tcp",
    says: "a connection to a port, as a stream of bytes",
    offers: Capabilities::STREAM
        .union(Capabilities::HALF_CLOSE)
        .union(Capabilities::MANY_CLIENTS)
        .union(Capabilities::AT_ONCE)
        .union(Capabilities::CONNECTIONS)
        .union(Capabilities::SOURCE_ADDRESS)
        .union(Capabilities::BINDS)
        .union(Capabilities::PORT)
        .union(Capabilities::TCP),
    placeholders: &["{addr}", "{port}"],
    reserve,
    dial,
    open,
    inherited: None,
    shows: Shows::Tcp,
};

fn reserve(_scratch: &Path) -> std::io::Result<Reserved> {
    port::reserve(Type::STREAM)
}

pub(super) fn dial(dial: &Dial<'_>) -> std::io::Result<Link> {
    let address = dial.address.expect_inet()?;
    let socket = stream_socket(address, dial.options.source)?;
    dial.size(&socket)?;
    connect_within(&socket, &address.into(), dial.limit)?;
    Link::socket(socket)
}

/// Between the two ends lie a send buffer, which grows to megabytes, and a receive buffer, which does not grow while
/// nobody reads: what both directions hold together is far more than this.
const WINDOW: usize = 256 * KIB;

pub(super) fn open(opening: Opening<'_>) -> std::io::Result<Box<dyn Channel>> {
    let address = opening.address.expect_inet()?;
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    opening.tuning.prepare_tcp(&socket)?;
    socket.connect(&address.into())?;
    let window = opening.tuning.socket_buffer.map_or(WINDOW, |bytes| bytes.min(WINDOW));
    ByteChannel::socket(socket, opening.waiting, Room::of(window))
}
