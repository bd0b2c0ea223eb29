//! Unix domain stream sockets at a path. unix(7).

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use socket2::{Domain, SockAddr, Socket, Type};

use super::{
    Address, ByteChannel, Capabilities, Capacity, Channel, ChannelRequest, ConnectRequest, Link, Readiness,
    ReservedAddress, Transport, Tuning, connect_within,
};

pub(super) const TRANSPORT: Transport = Transport {
    name: "unix",
    summary: "a connection to a path, as a stream of bytes",
    capabilities: Capabilities::STREAM
        .union(Capabilities::HALF_CLOSE)
        .union(Capabilities::MANY_CLIENTS)
        .union(Capabilities::CONCURRENT_CLIENTS)
        .union(Capabilities::CONNECTIONS)
        .union(Capabilities::BINDS)
        .union(Capabilities::SOCKET_PATH)
        .union(Capabilities::FILE),
    placeholders: &["{addr}", "{path}"],
    reserve,
    connect,
    open_channel,
    inherited: None,
    readiness: Readiness::UnixSocket,
};

/// Reserves a socket path in the server's own directory, where no other program makes files.
pub(super) fn reserve(scratch: &Path) -> std::io::Result<ReservedAddress> {
    Ok(ReservedAddress::unguarded(Address::Path(scratch.join("socket"))))
}

pub(super) fn connect(request: &ConnectRequest<'_>) -> std::io::Result<Link> {
    connect_socket_of_type(request, Type::STREAM)
}

pub(super) fn connect_socket_of_type(request: &ConnectRequest<'_>, kind: Type) -> std::io::Result<Link> {
    let address = socket_address(request.address.expect_path()?)?;
    let socket = Socket::new(Domain::UNIX, kind, None)?;
    request.set_socket_options(&socket)?;
    connect_within(&socket, &address, request.timeout)?;
    Link::socket(socket)
}

/// Returns the socket address of `path`. A path that begins with `@` is an abstract name, which begins with a NUL.
pub(crate) fn socket_address(path: &Path) -> std::io::Result<SockAddr> {
    match path.as_os_str().as_bytes().strip_prefix(b"@") {
        Some(name) => SockAddr::unix(OsStr::from_bytes(&[b"\0", name].concat())),
        None => SockAddr::unix(path),
    }
}

pub(super) fn open_channel(request: ChannelRequest<'_>) -> std::io::Result<Box<dyn Channel>> {
    let (socket, capacity) = connected_socket(&request, Type::STREAM)?;
    ByteChannel::over_socket(socket, request.wait_mode, capacity)
}

/// Returns a tuned Unix domain socket that is connected to the server, and its capacity.
pub(super) fn connected_socket(
    request: &ChannelRequest<'_>,
    kind: Type,
) -> std::io::Result<(Socket, Capacity)> {
    let (socket, capacity) = tuned_socket(kind, request.tuning)?;
    socket.connect(&socket_address(request.address.expect_path()?)?)?;
    Ok((socket, capacity))
}

/// Returns a tuned Unix domain socket, and the capacity that it had before tuning: see [`Capacity::of_socket`].
pub(super) fn tuned_socket(kind: Type, tuning: &Tuning) -> std::io::Result<(Socket, Capacity)> {
    let socket = Socket::new(Domain::UNIX, kind, None)?;
    let capacity = Capacity::of_socket(&socket, tuning)?;
    tuning.apply_to_socket(&socket)?;
    Ok((socket, capacity))
}
