//! Unix domain sockets for sequenced packets: connections that keep message boundaries. unix(7); not on macOS.

use socket2::Type;

use super::{
    Capabilities, Channel, ChannelRequest, ConnectRequest, Link, MessageChannel, Readiness, Transport,
    client, unix,
};
use crate::payload::KIB;

pub(super) const TRANSPORT: Transport = Transport {
    name: "unix-seqpacket",
    summary: "a connection to a path that keeps message boundaries",
    capabilities: Capabilities::MESSAGES
        .union(Capabilities::HALF_CLOSE)
        .union(Capabilities::MANY_CLIENTS)
        .union(Capabilities::CONCURRENT_CLIENTS)
        .union(Capabilities::CONNECTIONS)
        .union(Capabilities::BINDS)
        .union(Capabilities::SOCKET_PATH)
        .union(Capabilities::FILE),
    placeholders: &["{addr}", "{path}"],
    reserve: unix::reserve,
    connect,
    open_channel,
    inherited: None,
    readiness: Readiness::UnixSocket,
};

fn connect(request: &ConnectRequest<'_>) -> std::io::Result<Link> {
    let link = unix::connect_socket_of_type(request, Type::SEQPACKET)?;
    if let Some(socket) = link.as_socket() {
        client::enlarge_buffers(socket);
    }
    Ok(link)
}

/// The number of bytes that a message takes up in a `SOCK_SEQPACKET` socket's send buffer besides its content.
const OVERHEAD: usize = 2 * KIB;

fn open_channel(request: ChannelRequest<'_>) -> std::io::Result<Box<dyn Channel>> {
    let (socket, capacity) = unix::connected_socket(&request, Type::SEQPACKET)?;
    let largest = socket.send_buffer_size()?.saturating_sub(OVERHEAD);
    MessageChannel::over_socket(socket, request.wait_mode, capacity, largest)
}
