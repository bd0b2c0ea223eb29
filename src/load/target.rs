//! The address of the server, and sockets that connect to it without waiting.

use std::io;

use nix::libc;
use socket2::{Domain, Protocol, SockAddr, Socket, Type};

use crate::transport::{Address, Transport, unix_socket_address};

/// The server's address as a socket connects to it.
#[derive(Debug)]
pub(super) struct Target {
    address: SockAddr,
    domain: Domain,
    is_tcp: bool,
}

/// The names of the transports over which load can be generated.
pub const TRANSPORTS: [&str; 4] = ["tcp", "tcp6", "unix", "unix-abstract"];

/// The result of beginning to connect.
#[derive(Debug)]
pub(super) enum Begun {
    /// The connection is established.
    Established(Socket),
    /// The connection will be established, or fail, later.
    InProgress(Socket),
    /// The system has no room for another connection now: a full backlog (unix(7)), or no free port.
    TryAgain,
}

impl Target {
    /// Returns the target at `address`.
    ///
    /// # Errors
    /// The reason why sockets cannot connect to the address.
    pub fn new(transport: &Transport, address: &Address) -> io::Result<Target> {
        match address {
            Address::Inet(address) => {
                Ok(Target { address: (*address).into(), domain: Domain::for_address(*address), is_tcp: true })
            }
            Address::Path(path) => {
                let name = unix_socket_address(path)?;
                Ok(Target { address: name, domain: Domain::UNIX, is_tcp: false })
            }
            Address::Stdio => Err(io::Error::other(format!("{} has no address", transport.name))),
        }
    }

    /// Whether the connections are those of TCP.
    pub fn is_tcp(&self) -> bool {
        self.is_tcp
    }

    /// Begins to connect a new socket.
    ///
    /// # Errors
    /// The errors of socket(2) and connect(2).
    pub fn begin_connect(&self) -> io::Result<Begun> {
        let protocol = self.is_tcp.then_some(Protocol::TCP);
        let socket = Socket::new(self.domain, Type::STREAM, protocol)?;
        socket.set_nonblocking(true)?;
        if self.is_tcp {
            // Nagle's algorithm would delay the last segment of a long request.
            socket.set_tcp_nodelay(true)?;
        }
        match socket.connect(&self.address) {
            Ok(()) => Ok(Begun::Established(socket)),
            Err(error) => match error.raw_os_error() {
                Some(libc::EINPROGRESS) => Ok(Begun::InProgress(socket)),
                Some(libc::EAGAIN | libc::EADDRNOTAVAIL) => Ok(Begun::TryAgain),
                _ => Err(error),
            },
        }
    }
}
