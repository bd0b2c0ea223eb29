//! Unix domain stream sockets. unix(7).

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use socket2::{Domain, SockAddr, Socket, Type};

use super::{
    Address, ByteChannel, Capabilities, Channel, Dial, Link, Opening, Reserved, Room, Shows, Transport,
    connect_within,
};

pub(super) const TRANSPORT: Transport = Transport {
    name: "unix",
    says: "a connection to a path, as a stream of bytes",
    offers: Capabilities::STREAM
        .union(Capabilities::HALF_CLOSE)
        .union(Capabilities::MANY_CLIENTS)
        .union(Capabilities::AT_ONCE)
        .union(Capabilities::CONNECTIONS)
        .union(Capabilities::BINDS)
        .union(Capabilities::SOCKET_PATH),
    placeholders: &["{addr}", "{path}"],
    reserve,
    dial,
    open,
    inherited: None,
    shows: Shows::Unix,
};

/// A name in the run's own directory, which nobody else writes to.
pub(super) fn reserve(scratch: &Path) -> std::io::Result<Reserved> {
    Ok(Reserved { address: Address::Path(scratch.join("socket")), _hold: None })
}

pub(super) fn dial(dial: &Dial<'_>) -> std::io::Result<Link> {
    connect(dial, Type::STREAM)
}

pub(super) fn connect(dial: &Dial<'_>, kind: Type) -> std::io::Result<Link> {
    let address = name(dial.address.expect_path()?)?;
    let socket = Socket::new(Domain::UNIX, kind, None)?;
    dial.size(&socket)?;
    connect_within(&socket, &address, dial.limit)?;
    Link::socket(socket)
}

/// The socket address for `path`; one that begins with `@` is an abstract name, which begins with a NUL.
pub(super) fn name(path: &Path) -> std::io::Result<SockAddr> {
    match path.as_os_str().as_bytes().strip_prefix(b"@") {
        Some(name) => SockAddr::unix(OsStr::from_bytes(&[b"\0", name].concat())),
        None => SockAddr::unix(path),
    }
}

pub(super) fn open(opening: Opening<'_>) -> std::io::Result<Box<dyn Channel>> {
    let (socket, room) = connected(&opening, Type::STREAM)?;
    ByteChannel::socket(socket, opening.waiting, room)
}

/// A tuned socket that has reached its server, and what it held before it was tuned.
pub(super) fn connected(opening: &Opening<'_>, kind: Type) -> std::io::Result<(Socket, Room)> {
    let socket = Socket::new(Domain::UNIX, kind, None)?;
    let room = Room::of_socket(&socket, opening.tuning)?;
    opening.tuning.size(&socket)?;
    socket.connect(&name(opening.address.expect_path()?)?)?;
    Ok((socket, room))
}
