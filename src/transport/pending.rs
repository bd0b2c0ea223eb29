//! A connection that a client has begun and does not wait for.

use std::io;
use std::os::fd::AsFd;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use socket2::{Domain, SockAddr, Socket, Type};

use super::{Address, Capabilities, ConnectOptions, Link, Transport, tcp_socket};

/// A connection that may not be established yet. When this value is dropped, the connection is closed.
#[derive(Debug)]
pub struct PendingConnection {
    /// The socket that connects; `None` if the connection was refused at once.
    socket: Option<Socket>,
}

impl PendingConnection {
    /// Begins to connect to a server at `address`, without waiting.
    pub(crate) fn begin(transport: &Transport, address: &Address) -> io::Result<PendingConnection> {
        let (socket, name) = match address {
            Address::Inet(address) => (tcp_socket(*address, &ConnectOptions::default())?, (*address).into()),
            _ => {
                let stream = transport.capabilities.contains(Capabilities::STREAM);
                let kind = if stream { Type::STREAM } else { Type::SEQPACKET };
                (Socket::new(Domain::UNIX, kind, None)?, SockAddr::unix(address.expect_path()?)?)
            }
        };
        socket.set_nonblocking(true)?;
        match socket.connect(&name) {
            Ok(()) => Ok(PendingConnection { socket: Some(socket) }),
            Err(error) if error.raw_os_error() == Some(nix::libc::EINPROGRESS) => {
                Ok(PendingConnection { socket: Some(socket) })
            }
            Err(error)
                if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::ConnectionRefused) =>
            {
                Ok(PendingConnection { socket: None })
            }
            Err(error) => Err(error),
        }
    }

    /// Returns the client's end of the connection, or `None` if the connection was refused.
    pub(crate) fn into_link(self) -> io::Result<Option<Link>> {
        self.socket.map(Link::socket).transpose()
    }

    /// Whether the server's kernel has established the connection.
    #[must_use]
    pub fn is_established(&self) -> bool {
        let connected = |socket: &Socket| {
            let mut interest = [PollFd::new(socket.as_fd(), PollFlags::POLLOUT)];
            let ready = poll(&mut interest, PollTimeout::ZERO).is_ok_and(|ready| ready > 0);
            ready && socket.peer_addr().is_ok()
        };
        self.socket.as_ref().is_some_and(connected)
    }
}
