//! How a client reaches a server: one file per mechanism, and what the mechanism promises.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use bitflags::bitflags;
use serde::{Deserialize, Serialize};

use crate::wire::claims::Claim;

mod bridge;
mod byte_channel;
mod channel;
mod client;
mod constants;
mod fifo;
mod kinds;
mod leftover;
mod link;
mod message_channel;
mod mqueue;
mod pending;
mod pipe;
mod port;
mod pty;
mod queues;
mod room;
mod shm;
mod signal;
mod socketpair;
mod sysv_mq;
mod tcp;
mod tcp6;
mod udp;
mod udp6;
mod unix;
mod unix_abstract;
mod unix_dgram;
mod unix_seqpacket;
mod vmsplice;

use byte_channel::ByteChannel;
pub use channel::{Channel, Opening, Tuning, Waiting};
pub(crate) use client::HangDiagnosis;
pub use client::{Client, Message};
pub(crate) use fifo::ends as fifo_ends;
pub use kinds::kinds;
pub(crate) use leftover::{remove_leftovers, remove_noted};
pub use link::Link;
use message_channel::MessageChannel;
pub use pending::PendingConnection;
#[cfg(feature = "cli")]
pub(crate) use pipe::pair as pipe_pair;
pub(crate) use port::absent_loopback;
#[cfg(feature = "cli")]
pub(crate) use port::loopback_has;
use port::{connect_within, stream_socket};
use room::Room;

/// Those that are measured and not checked: no check could send what signals do not carry, and lent memory is no other
/// pipe to a server.
pub const MEASURED_ONLY: &[&Transport] = &[&vmsplice::TRANSPORT, &signal::TRANSPORT];

/// Every mechanism that is checked, in the order that help and tables show them.
pub const TRANSPORTS: &[&Transport] = &[
    &tcp::TRANSPORT,
    &tcp6::TRANSPORT,
    &udp::TRANSPORT,
    &udp6::TRANSPORT,
    &unix::TRANSPORT,
    &unix_abstract::TRANSPORT,
    &unix_dgram::TRANSPORT,
    &unix_seqpacket::TRANSPORT,
    &pipe::TRANSPORT,
    &fifo::TRANSPORT,
    &socketpair::STREAM,
    &socketpair::DGRAM,
    &socketpair::SEQPACKET,
    &pty::TRANSPORT,
    &mqueue::TRANSPORT,
    &sysv_mq::TRANSPORT,
    &shm::FUTEX,
    &shm::EVENTFD,
    &shm::SPIN,
];

bitflags! {
    /// What a check needs, and what a transport with a way of starting it has.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct Capabilities: u32 {
        /// A stream of bytes without boundaries.
        const STREAM = 1;
        /// Messages that keep their boundaries.
        const MESSAGES = 1 << 1;
        /// The client can end its direction alone, and sees when the server ends the other.
        const HALF_CLOSE = 1 << 2;
        /// One server process (or tree) serves many clients; not one process for each.
        const MANY_CLIENTS = 1 << 3;
        /// Many clients can be connected at the same time.
        const AT_ONCE = 1 << 4;
        /// The server accepts a connection for each client.
        const CONNECTIONS = 1 << 5;
        /// Clients have an address and port of their own to choose.
        const SOURCE_ADDRESS = 1 << 6;
        /// The server binds the address itself, and so can be started again on it.
        const BINDS = 1 << 7;
        /// The address is a TCP or UDP port.
        const PORT = 1 << 8;
        /// The address is the path of a socket.
        const SOCKET_PATH = 1 << 9;
        /// The mechanism is TCP.
        const TCP = 1 << 10;
        /// The mechanism is UDP.
        const UDP = 1 << 11;
        /// Standard input and output are the conversation.
        const STDIO = 1 << 12;
        /// A listening socket is passed as descriptor 3.
        const PASSED_LISTENER = 1 << 13;
        /// Each connection is passed as descriptors 0, 1 and 2.
        const PASSED_CONNECTION = 1 << 14;
        /// Messages without a connection: anyone may send, the answer goes to the sender.
        const CONNECTIONLESS = 1 << 15;
    }
}

/// A mechanism: what it promises, how an unused address is had, and how a client gets there.
#[derive(Debug)]
pub struct Transport {
    /// Its name on the command line.
    pub name: &'static str,
    /// One line for help and tables.
    pub says: &'static str,
    /// What it offers to checks when the server makes its own socket.
    pub offers: Capabilities,
    /// What of `{addr}`, `{host}`, `{port}`, `{path}` names a whole address to the server.
    pub placeholders: &'static [&'static str],
    pub(crate) reserve: fn(&Path) -> io::Result<Reserved>,
    pub(crate) dial: fn(&Dial<'_>) -> io::Result<Link>,
    pub(crate) open: fn(Opening<'_>) -> io::Result<Box<dyn Channel>>,
    /// Of a transport whose server is launched on the far ends of something.
    pub(crate) inherited: Option<Inherited>,
    pub(crate) shows: Shows,
}

/// How a server that is ready is known.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shows {
    /// The kernel lists a TCP socket that listens at its address.
    Tcp,
    /// The kernel lists a UDP socket at its address.
    Udp,
    /// The kernel lists a Unix domain socket of its name.
    Unix,
    /// Two named pipes lie in the file system.
    Fifos,
    /// What it makes is there, as this finds out.
    Made(fn(&Address) -> bool),
    /// It is from the start: what it serves it has inherited.
    AtOnce,
}

/// How a conversation is made that a server inherits.
#[derive(Debug)]
pub(crate) struct Inherited {
    pub make: fn(&Tuning) -> io::Result<Pair>,
    /// The near ends as a client of the checks has them.
    pub link: fn(OwnedFd, OwnedFd) -> io::Result<Link>,
    /// Whether its ends are sockets.
    pub sockets: bool,
}

/// A conversation that nobody holds yet. Of each side: what it reads, and what it writes.
#[derive(Debug)]
pub(crate) struct Pair {
    pub near: (OwnedFd, OwnedFd),
    pub far: (OwnedFd, OwnedFd),
}

impl Transport {
    /// The transport called `name`.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Transport> {
        TRANSPORTS.iter().chain(MEASURED_ONLY).copied().find(|transport| transport.name == name)
    }

    /// A client's end at full speed; blocks until the server has taken it.
    ///
    /// # Errors
    /// Those of the mechanism's own calls; `Unsupported` where the system lacks something that was asked for.
    pub fn open(&'static self, opening: Opening<'_>) -> io::Result<Box<dyn Channel>> {
        (self.open)(opening)
    }

    /// Whether its server inherits the conversation, and so is [lent](crate::server::Server::lend) to one client.
    #[must_use]
    pub fn is_inherited(&self) -> bool {
        self.inherited.is_some()
    }

    /// Whether its server inherits sockets as standard input and output.
    #[must_use]
    pub fn inherits_sockets(&self) -> bool {
        self.inherited.as_ref().is_some_and(|inherited| inherited.sockets)
    }
}

/// Where a server listens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Address {
    /// An IP address and port.
    Inet(SocketAddr),
    /// A path in the file system.
    Path(PathBuf),
    /// Nowhere: it speaks through its standard input and output.
    Stdio,
}

impl Address {
    /// The IP address and port, of a transport that has them.
    #[must_use]
    pub fn inet(&self) -> Option<SocketAddr> {
        if let Address::Inet(address) = self { Some(*address) } else { None }
    }

    /// The path, of a transport that has one.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        if let Address::Path(path) = self { Some(path) } else { None }
    }

    pub(crate) fn expect_inet(&self) -> io::Result<SocketAddr> {
        self.inet().ok_or_else(|| io::Error::other("this transport has no port"))
    }

    pub(crate) fn expect_path(&self) -> io::Result<&Path> {
        self.path().ok_or_else(|| io::Error::other("this transport has no path"))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Inet(address) => write!(f, "{address}"),
            Address::Path(path) => write!(f, "{}", path.display()),
            Address::Stdio => f.write_str("standard input and output"),
        }
    }
}

/// An address that nobody else will use while this value lives.
#[derive(Debug)]
pub(crate) struct Reserved {
    pub address: Address,
    pub _hold: Option<Hold>,
}

/// What keeps a reserved address from others.
#[derive(Debug)]
pub(crate) struct Hold {
    /// Given back first, while the port is still our own.
    pub _told: Option<Claim>,
    pub _claim: Option<OwnedFd>,
    /// What the server may leave behind.
    pub _leftover: Option<leftover::Leftover>,
}

/// How a client comes to a server, where a check wants something other than the usual.
#[derive(Debug, Clone, Default)]
pub struct ConnectOptions {
    /// Where it goes, if not to the server's own address.
    pub address: Option<Address>,
    /// The client's own address; port 0 leaves the port to the system.
    pub source: Option<SocketAddr>,
    /// The size of its receive buffer in bytes, set before it connects. On loopback less than 64 KiB ends in
    /// zero-window probes. Not for a client that is to read nothing for long: Linux lets a buffer of the system's
    /// own size grow to hold what its window has promised, but drops what one of a fixed size has no room for, and
    /// with it what acknowledgements come later. Such a client then never hears that the server has room again.
    pub receive_buffer: Option<usize>,
    /// A Unix datagram client that binds no name, and so can be sent nothing.
    pub unnamed: bool,
}

/// One client's wish to reach a server.
#[derive(Debug)]
pub(crate) struct Dial<'a> {
    pub address: &'a Address,
    pub options: &'a ConnectOptions,
    /// A directory for what the client must bind itself.
    pub scratch: &'a Path,
    /// Tells this client from the server's others.
    pub number: u64,
    pub limit: std::time::Duration,
}

impl Dial<'_> {
    /// Sizes `socket` as the client wishes.
    fn size(&self, socket: &socket2::Socket) -> io::Result<()> {
        self.options.receive_buffer.map_or(Ok(()), |bytes| socket.set_recv_buffer_size(bytes))
    }
}
