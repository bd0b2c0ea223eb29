//! Descriptors and the objects that they refer to.

use std::fmt;
use std::net::SocketAddr;
use std::os::fd::RawFd;
use std::path::PathBuf;

use super::network::{SocketAddress, accepts_packets_to};
use crate::text::one_line;

/// An open descriptor of a process: its number, and the object that it refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Descriptor {
    /// The number of the descriptor.
    pub number: RawFd,
    /// The object that the descriptor refers to.
    pub object: Object,
}

/// Access mode of a descriptor: open(2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessMode {
    /// The descriptor can only be read (`O_RDONLY`), such as the read end of a pipe.
    ReadOnly,
    /// The descriptor can only be written (`O_WRONLY`), such as the write end of a pipe.
    WriteOnly,
    /// The descriptor can be read and written (`O_RDWR`), such as a socket.
    ReadWrite,
}

/// An open file description, and one flag of a descriptor that refers to it: open(2).
///
/// Copies of a descriptor share everything but `close_on_exec`. Copies are made by dup(2), by fork(2) and by sending
/// the descriptor to another process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OpenFile {
    /// Whether the open file can be read.
    pub readable: bool,
    /// Whether the open file can be written.
    pub writable: bool,
    /// The position of the next read or write in the open file, in bytes. It is 0 for objects without a position.
    pub offset: u64,
    /// Whether each write appends to the file: `O_APPEND`.
    pub append: bool,
    /// Whether a read or write that would wait fails with `EAGAIN` instead: `O_NONBLOCK`.
    pub nonblocking: bool,
    /// Whether execve(2) closes the descriptor: `FD_CLOEXEC`. Duplicates of the descriptor do not share this flag.
    pub close_on_exec: bool,
}

/// The object that a descriptor refers to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Object {
    /// The descriptor refers to a pipe or FIFO.
    Pipe {
        /// The number of the pipe, the same at both ends and in every process. On Linux it is the inode number.
        id: u64,
    },
    /// The descriptor refers to this socket.
    Socket(Socket),
    /// The descriptor refers to the terminal with this path.
    Terminal(PathBuf),
    /// The descriptor refers to the file, directory or device with this path.
    File(PathBuf),
    /// The descriptor refers to another object, to which the kernel gives this name, such as `anon_inode:[eventpoll]`.
    Other(String),
}

/// A socket as the kernel lists it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Socket {
    /// The kernel's number of the socket. On Linux it is the inode number.
    pub id: u64,
    /// The protocol and the addresses of the socket.
    pub name: SocketName,
    /// Whether the socket accepts connections. A datagram socket counts if any process can send to it: a UDP socket
    /// without a peer, a Unix domain socket with a path.
    pub listening: bool,
}

/// The protocol and the addresses of a socket.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SocketName {
    /// A TCP socket with this local and remote address.
    Tcp(SocketAddr, SocketAddr),
    /// A UDP socket with this local and remote address.
    Udp(SocketAddr, SocketAddr),
    /// A Unix domain socket bound to this path, or to an abstract name that is written `@name`.
    Unix(Option<PathBuf>),
    /// A socket that is neither TCP, UDP nor a Unix domain socket.
    Other,
}

impl Socket {
    /// Returns whether the socket serves clients at `address`. A socket bound to the wildcard address does, too.
    pub(crate) fn serves(&self, address: SocketAddress<'_>) -> bool {
        match (address, &self.name) {
            (SocketAddress::Tcp(wanted), SocketName::Tcp(local, _)) => {
                self.listening && accepts_packets_to(*local, wanted)
            }
            (SocketAddress::Udp(wanted), SocketName::Udp(local, _)) => accepts_packets_to(*local, wanted),
            // An accepted connection has its listener's path too.
            (SocketAddress::Unix(wanted), SocketName::Unix(Some(path))) => self.listening && path == wanted,
            _ => false,
        }
    }
}

impl Object {
    /// Returns the kind of object that a descriptor refers to, in the plural, such as `pipes`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Object::Pipe { .. } => "pipes",
            Object::Socket(_) => "sockets",
            Object::Terminal(_) => "terminals",
            Object::File(_) => "files",
            Object::Other(_) => "kernel objects",
        }
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Object::Pipe { id } => write!(f, "pipe {id}"),
            Object::Socket(socket) => write!(f, "{socket}"),
            Object::Terminal(path) | Object::File(path) => f.write_str(&one_line(&path.to_string_lossy())),
            Object::Other(name) => f.write_str(&one_line(name)),
        }
    }
}

impl fmt::Display for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            SocketName::Tcp(local, _) if self.listening => write!(f, "TCP listener {local}"),
            SocketName::Tcp(local, remote) => write!(f, "TCP {local} ↔ {remote}"),
            SocketName::Udp(local, _) if self.listening => write!(f, "UDP {local}"),
            SocketName::Udp(local, remote) => write!(f, "UDP {local} ↔ {remote}"),
            SocketName::Unix(path) => {
                let role = if self.listening { "Unix listener" } else { "Unix socket" };
                match path {
                    Some(path) => write!(f, "{role} {}", one_line(&path.to_string_lossy())),
                    None => write!(f, "{role} (unnamed, id {})", self.id),
                }
            }
            SocketName::Other => write!(f, "socket {}", self.id),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn socket(name: SocketName, listening: bool) -> Socket {
        Socket { id: 1, name, listening }
    }

    fn at(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn listener_serves_its_address_and_no_other() {
        let name = SocketName::Tcp(at("127.0.0.1:7"), at("0.0.0.0:0"));
        assert!(socket(name.clone(), true).serves(SocketAddress::Tcp(at("127.0.0.1:7"))));
        assert!(!socket(name.clone(), true).serves(SocketAddress::Tcp(at("127.0.0.1:8"))));
        assert!(!socket(name.clone(), true).serves(SocketAddress::Udp(at("127.0.0.1:7"))));
        assert!(!socket(name, false).serves(SocketAddress::Tcp(at("127.0.0.1:7"))));
    }

    #[test]
    fn wildcard_socket_serves_the_loopback_address() {
        let name = SocketName::Udp(at("[::]:7"), at("[::]:0"));
        assert!(socket(name, false).serves(SocketAddress::Udp(at("127.0.0.1:7"))));
    }

    #[test]
    fn accepted_unix_connection_serves_nothing() {
        let name = || SocketName::Unix(Some("/tmp/s".into()));
        let address = SocketAddress::Unix(Path::new("/tmp/s"));
        assert!(socket(name(), true).serves(address));
        assert!(!socket(name(), false).serves(address));
        assert!(!socket(SocketName::Unix(None), true).serves(address));
    }
}
