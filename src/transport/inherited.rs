//! Transports whose server inherits the connection as its standard input and output.

use std::io;
use std::os::fd::OwnedFd;

use super::{Link, Tuning};

/// The functions that make the connection of a server that inherits it and has no address.
#[derive(Debug)]
pub(crate) struct InheritedConnection {
    /// The function that makes both sides of a connection, one of which the server inherits.
    pub make: fn(&Tuning) -> io::Result<ConnectedPair>,
    /// The function that turns the client's ends of the connection into a link for the checks.
    pub link: fn(ConnectionEnds) -> io::Result<Link>,
    /// Whether both ends of the connection are sockets.
    pub sockets: bool,
}

/// The two descriptors of one side of a connection. Both may refer to the same socket or terminal.
#[derive(Debug)]
pub struct ConnectionEnds {
    /// The descriptor that this side reads from.
    pub read: OwnedFd,
    /// The descriptor that this side writes to.
    pub write: OwnedFd,
}

impl ConnectionEnds {
    /// Returns the ends of one side of a connection that reads and writes through the one descriptor `both`.
    pub(super) fn duplex(both: OwnedFd) -> io::Result<ConnectionEnds> {
        Ok(ConnectionEnds { read: both.try_clone()?, write: both })
    }
}

/// Both sides of a connection that this process made, before a server inherits one of them.
#[derive(Debug)]
pub(crate) struct ConnectedPair {
    pub client: ConnectionEnds,
    pub server: ConnectionEnds,
}

/// Returns the error for a client that tries to connect to a server without an address.
pub(super) fn no_address_error() -> io::Error {
    io::Error::other("this server is reached only through its own standard input and output")
}
