//! TCP over IPv4 on loopback. tcp(7), RFC 9293.

use std::path::Path;

use socket2::{Domain, Protocol, Socket, Type};

use super::{
    ByteChannel, Capabilities, Capacity, Channel, ChannelRequest, ConnectRequest, Link, Readiness,
    ReservedAddress, Transport, connect_within, port, tcp_socket,
};
use crate::payload::KIB;

pub(super) const TRANSPORT: Transport = Transport {
    name: "tcp",
    summary: "a connection to a port, as a stream of bytes",
    capabilities: Capabilities::STREAM
        .union(Capabilities::HALF_CLOSE)
        .union(Capabilities::MANY_CLIENTS)
        .union(Capabilities::CONCURRENT_CLIENTS)
        .union(Capabilities::CONNECTIONS)
        .union(Capabilities::SOURCE_ADDRESS)
        .union(Capabilities::BINDS)
        .union(Capabilities::PORT)
        .union(Capabilities::TCP),
    placeholders: &["{addr}", "{port}"],
    reserve,
    connect,
    open_channel,
    inherited: None,
    readiness: Readiness::TcpListener,
};

fn reserve(_scratch: &Path) -> std::io::Result<ReservedAddress> {
    port::reserve(Type::STREAM)
}

pub(super) fn connect(request: &ConnectRequest<'_>) -> std::io::Result<Link> {
    let address = request.address.expect_inet()?;
    let socket = tcp_socket(address, request.options)?;
    request.set_socket_options(&socket)?;
    connect_within(&socket, &address.into(), request.timeout)?;
    Link::socket(socket)
}

/// The maximum number of bytes in flight on a TCP connection, much less than one direction holds: a send buffer, which
/// grows to megabytes, and a receive buffer, which does not grow while its owner does not read.
const WINDOW: usize = 256 * KIB;

pub(super) fn open_channel(request: ChannelRequest<'_>) -> std::io::Result<Box<dyn Channel>> {
    let address = request.address.expect_inet()?;
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    request.tuning.apply_to_tcp(&socket)?;
    socket.connect(&address.into())?;
    let window = request.tuning.socket_buffer.map_or(WINDOW, |bytes| bytes.min(WINDOW));
    ByteChannel::over_socket(socket, request.wait_mode, Capacity::of_socket_buffer(window))
}
