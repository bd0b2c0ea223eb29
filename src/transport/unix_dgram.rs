//! Unix domain datagram sockets at a path. A client that wants a reply must bind a name of its own. unix(7).

use std::ffi::OsString;
use std::os::fd::AsFd;
use std::path::Path;

use socket2::{Domain, SockAddr, Socket, Type};

use super::{
    Capabilities, Channel, ChannelRequest, ClientName, ConnectRequest, Link, MessageChannel, Readiness,
    Transport, client, unix,
};
use crate::payload::KIB;
use crate::sys;

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

/// Connects a client's Unix datagram socket to the server, so that poll(2) reports when the server's queue has room
/// again. On Linux the queue holds ten messages.
fn connect(request: &ConnectRequest<'_>) -> std::io::Result<Link> {
    let socket = Socket::new(Domain::UNIX, Type::DGRAM, None)?;
    client::enlarge_buffers(&socket);
    request.set_socket_options(&socket)?;
    bind(&socket, request)?;
    let server = unix::socket_address(request.address.expect_path()?)?;
    if request.options.unconnected {
        return Link::unconnected(socket, server);
    }
    socket.connect(&server)?;
    Link::socket(socket)
}

/// Binds the client's Unix datagram socket to the name that the options ask for.
fn bind(socket: &Socket, request: &ConnectRequest<'_>) -> std::io::Result<()> {
    let path = request.scratch.join(format!("client-{}", request.number));
    match request.options.name {
        ClientName::File => socket.bind(&SockAddr::unix(path)?),
        ClientName::Abstract => {
            let mut name = OsString::from("@");
            name.push(path);
            socket.bind(&unix::socket_address(Path::new(&name))?)
        }
        ClientName::Autobound => sys::bind_to_chosen_name(socket.as_fd()),
        ClientName::Unnamed => Ok(()),
    }
}

/// The number of datagrams that Linux queues for a Unix datagram socket (`net.unix.max_dgram_qlen`). A full queue
/// blocks the sender.
const SLOTS: usize = 10;

/// The number of bytes that a datagram takes up in a Unix socket's send buffer besides its content.
const OVERHEAD: usize = 2 * KIB;

fn open_channel(request: ChannelRequest<'_>) -> std::io::Result<Box<dyn Channel>> {
    let (socket, capacity) = unix::tuned_socket(Type::DGRAM, request.tuning)?;
    socket.bind(&SockAddr::unix(request.scratch.join(format!("channel-{}", request.number)))?)?;
    socket.connect(&unix::socket_address(request.address.expect_path()?)?)?;
    let largest = socket.send_buffer_size()?.saturating_sub(OVERHEAD);
    MessageChannel::over_socket(socket, request.wait_mode, capacity.with_slots(SLOTS), largest)
}
