//! What a process can hold by a descriptor, and how a report names it.

use std::fmt;
use std::net::SocketAddr;
use std::os::fd::RawFd;
use std::path::PathBuf;

use crate::text::one_line;

/// One entry of a process's descriptor table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Descriptor {
    /// The number the process knows it by.
    pub number: RawFd,
    /// What it refers to.
    pub object: Object,
}

/// What a process may do with a descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessMode {
    /// `O_RDONLY`: the read end of a pipe.
    ReadOnly,
    /// `O_WRONLY`: the write end of a pipe.
    WriteOnly,
    /// `O_RDWR`, as every socket.
    ReadWrite,
}

/// An open file description, seen through one descriptor that refers to it. open(2).
///
/// All but `close_on_exec`, which is the descriptor's own, is shared with every other descriptor that was copied
/// from this one, by dup(2), by fork(2) or in a message, in whichever process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OpenFile {
    /// Opened for reading.
    pub readable: bool,
    /// Opened for writing.
    pub writable: bool,
    /// Where the next read or write begins, in bytes, if it is a file that has such a place.
    pub offset: u64,
    /// `O_APPEND`: each write goes to the end.
    pub append: bool,
    /// `O_NONBLOCK`: reads and writes that would wait fail with EAGAIN.
    pub nonblocking: bool,
    /// `FD_CLOEXEC`: execve(2) closes this descriptor. It is not shared.
    pub close_on_exec: bool,
}

/// What a descriptor refers to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Object {
    /// A pipe or FIFO; both of its ends carry the same id (on Linux the inode number).
    Pipe {
        /// The same number at both ends, in whichever process.
        id: u64,
    },
    /// A socket.
    Socket(Socket),
    /// A terminal, by its path.
    Terminal(PathBuf),
    /// A file, directory or device, by its path.
    File(PathBuf),
    /// Anything else, by the kernel's own name for it (`anon_inode:[eventpoll]`).
    Other(String),
}

/// One socket as the kernel lists it. Two descriptors with the same `id` share one socket.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Socket {
    /// The kernel's number for it (on Linux the inode number).
    pub id: u64,
    /// What it speaks and whom it speaks with.
    pub name: SocketName,
    /// True if it accepts connections; of datagram sockets, if anyone may send to it: a UDP socket without
    /// a peer, a Unix one with a name.
    pub listening: bool,
}

/// The addresses of a socket.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SocketName {
    /// TCP: local and remote address.
    Tcp(SocketAddr, SocketAddr),
    /// UDP: local and remote address.
    Udp(SocketAddr, SocketAddr),
    /// A Unix domain socket and the path it is bound to, `@name` for an abstract one.
    Unix(Option<PathBuf>),
    /// A socket of another family.
    Other,
}

impl Object {
    /// What kind of thing it is, in one word or two.
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
