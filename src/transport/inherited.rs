//! Transports whose server inherits the connection as its standard input and output.

use std::io;
use std::os::fd::OwnedFd;

use super::{Link, Tuning};

/// The functions that make the connection that a server inherits.
#[derive(Debug)]
pub(crate) struct Inherited {
    /// Makes both sides of a connection.
    pub make: fn(&Tuning) -> io::Result<ConnectedPair>,
    /// Turns the client's ends into a link for the checks.
    pub link: fn(Ends) -> io::Result<Link>,
    /// Whether both ends of the connection are sockets.
    pub sockets: bool,
}

/// The two descriptors of one side of a connection. Both may refer to the same socket or terminal.
#[derive(Debug)]
pub struct Ends {
    /// The descriptor to read from.
    pub read: OwnedFd,
    /// The descriptor to write to.
    pub write: OwnedFd,
}

impl Ends {
    /// Returns the ends of a connection that reads and writes through the one descriptor `both`.
    pub(super) fn duplex(both: OwnedFd) -> io::Result<Ends> {
        Ok(Ends { read: both.try_clone()?, write: both })
    }
}

/// A connection of which this process holds both sides.
#[derive(Debug)]
pub(crate) struct ConnectedPair {
    pub client: Ends,
    pub server: Ends,
}

/// Returns the error of a client that tries to connect where there is no address.
pub(super) fn no_address() -> io::Error {
    io::Error::other("this server is reached only through its own standard input and output")
}
