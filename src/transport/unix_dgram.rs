//! Unix domain datagram sockets at a path. A client that wants a reply must bind a name of its own. unix(7).

use socket2::{Domain, SockAddr, Socket, Type};

use super::{
    Capabilities, Channel, ChannelRequest, ConnectRequest, Link, MessageChannel, Readiness, Transport,
    client, unix,
};
use crate::payload::KIB;

pub(super) const TRANSPORT: Transport = Transport {
    name: "unix-dgram",
    summary: "datagrams to a path, without a connection",
    capabilities: Capabilities::MESSAGES
        .union(Capabilities::CONNECTIONLESS)
        .union(Capabilities::MANY_CLIENTS)
        .union(Capabilities::CONCURRENT_CLIENTS)
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

/// Connects a client's socket to the server, so that poll(2) reports when the server's queue has room again. On Linux
/// the queue holds ten messages.
fn connect(request: &ConnectRequest<'_>) -> std::io::Result<Link> {
    let socket = Socket::new(Domain::UNIX, Type::DGRAM, None)?;
    client::enlarge_buffers(&socket);
    request.set_socket_options(&socket)?;
    if !request.options.unnamed {
        socket.bind(&SockAddr::unix(request.scratch.join(format!("client-{}", request.number)))?)?;
    }
    socket.connect(&unix::socket_address(request.address.expect_path()?)?)?;
    Link::socket(socket)
}

/// The number of datagrams that Linux queues for a receiver (`net.unix.max_dgram_qlen`). A full queue blocks the
/// sender.
const SLOTS: usize = 10;

/// The number of bytes that a datagram takes up in the send buffer besides its content.
const OVERHEAD: usize = 2 * KIB;

fn open_channel(request: ChannelRequest<'_>) -> std::io::Result<Box<dyn Channel>> {
    let (socket, capacity) = unix::tuned_socket(Type::DGRAM, request.tuning)?;
    socket.bind(&SockAddr::unix(request.scratch.join(format!("channel-{}", request.number)))?)?;
    socket.connect(&unix::socket_address(request.address.expect_path()?)?)?;
    let largest = socket.send_buffer_size()?.saturating_sub(OVERHEAD);
    MessageChannel::over_socket(socket, request.wait_mode, capacity.with_slots(SLOTS), largest)
}
