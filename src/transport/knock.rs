//! A connection that is begun and not waited for.

use std::io;
use std::os::fd::AsFd;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use socket2::{Domain, SockAddr, Socket, Type};

use super::{Address, Capabilities, Transport, stream_socket};

/// A client at the door. Dropped, it goes away again.
#[derive(Debug)]
pub struct Knock {
    /// `None` where it was turned away at once.
    socket: Option<Socket>,
}

impl Knock {
    /// Begins to connect to `address`.
    pub(crate) fn at(transport: &Transport, address: &Address) -> io::Result<Knock> {
        let (socket, name) = match address {
            Address::Inet(address) => (stream_socket(*address, None)?, (*address).into()),
            _ => {
                let kind = if transport.offers.contains(Capabilities::STREAM) {
                    Type::STREAM
                } else {
                    Type::SEQPACKET
                };
                (Socket::new(Domain::UNIX, kind, None)?, SockAddr::unix(address.expect_path()?)?)
            }
        };
        socket.set_nonblocking(true)?;
        match socket.connect(&name) {
            Ok(()) => Ok(Knock { socket: Some(socket) }),
            Err(error) if error.raw_os_error() == Some(nix::libc::EINPROGRESS) => {
                Ok(Knock { socket: Some(socket) })
            }
            Err(error)
                if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::ConnectionRefused) =>
            {
                Ok(Knock { socket: None })
            }
            Err(error) => Err(error),
        }
    }

    /// Whether the server's kernel has taken it.
    #[must_use]
    pub fn is_taken(&self) -> bool {
        let connected = |socket: &Socket| {
            let mut interest = [PollFd::new(socket.as_fd(), PollFlags::POLLOUT)];
            let told = poll(&mut interest, PollTimeout::ZERO).is_ok_and(|ready| ready > 0);
            told && socket.peer_addr().is_ok()
        };
        self.socket.as_ref().is_some_and(connected)
    }
}
