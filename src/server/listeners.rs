//! Sockets that the harness makes for a server: a listener to pass, a connection to pass.

use std::io;
use std::os::fd::OwnedFd;

use socket2::{Domain, SockAddr, Socket, Type};

use crate::transport::{Address, Capabilities, ReservedAddress, Transport};

/// The backlog of a listening socket that is passed to a server. It is at least the number of clients that any check
/// connects before the server accepts one.
const BACKLOG: i32 = 1024;

/// Makes a listening socket at the reserved address, to pass it to a server.
pub(super) fn listen_at(
    transport: &Transport,
    reserved: &ReservedAddress,
    nonblocking: bool,
) -> io::Result<OwnedFd> {
    let kind =
        if transport.capabilities.contains(Capabilities::STREAM) { Type::STREAM } else { Type::SEQPACKET };
    let (domain, address) = match &reserved.address {
        Address::Inet(inet) => (Domain::for_address(*inet), SockAddr::from(*inet)),
        Address::Path(path) => (Domain::UNIX, SockAddr::unix(path)?),
        Address::Stdio => return Err(io::ErrorKind::Unsupported.into()),
    };
    let socket = Socket::new(domain, kind, None)?;
    if domain != Domain::UNIX {
        socket.set_reuse_address(true)?;
    }
    socket.bind(&address)?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(nonblocking)?;
    Ok(socket.into())
}

/// Accepts the next connection on `listener`. Does not block if a client has connected.
pub(super) fn accept(listener: &OwnedFd) -> io::Result<OwnedFd> {
    let listener = Socket::from(listener.try_clone()?);
    let connection = listener.accept()?.0;
    // On the BSDs and macOS it inherits the flag from the listener.
    connection.set_nonblocking(false)?;
    Ok(connection.into())
}
