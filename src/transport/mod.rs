//! Transports: one file for each mechanism, with what it offers and how a client reaches a server over it.
//!
//! | file | what is in it |
//! |---|---|
//! | `tcp` … `shm` | one mechanism each: a `Transport` value and its functions |
//! | `client/` | [`Client`], which checks use: every step bounded, verified and counted |
//! | `channel`, `tuning` | [`Channel`], which comparisons use: nothing but the mechanism's own calls |
//! | `address`, `port` | addresses, and how they are reserved |
//! | `connect`, `pending`, `inherited`, `link` | how a client's end comes to be |
//! | `reaction` | waits until a server has had the processor time to react |
//! | `stopwatch` | time without that in which a server waited for a processor |
//! | `capabilities`, `groups` | which checks apply to which transports |
//! | `leftover`, `queue_names` | message queues that a killed server leaves behind |

use std::io;
use std::path::Path;

use crate::protocol::TransportKind;

mod address;
mod byte_channel;
mod capabilities;
mod capacity;
mod channel;
mod client;
mod connect;
mod constants;
mod fifo;
mod groups;
mod inherited;
mod leftover;
mod link;
mod message_channel;
mod mqueue;
mod pending;
mod pipe;
mod port;
mod pty;
mod queue_names;
mod queues;
mod raw_udp;
mod reaction;
mod relay;
mod shm;
mod signal;
mod socketpair;
mod stopwatch;
mod sysv_mq;
mod tcp;
mod tcp6;
mod tuning;
mod udp;
mod udp6;
mod unix;
mod unix_abstract;
mod unix_dgram;
mod unix_seqpacket;
mod vmsplice;

pub use address::Address;
pub(crate) use address::{Reservation, ReservedAddress};
use byte_channel::ByteChannel;
pub use capabilities::Capabilities;
use capacity::Capacity;
pub use channel::{Channel, ChannelRequest, ClientWaitMode};
pub use client::{Client, Message};
pub(crate) use client::{HangDiagnosis, Unread};
pub(crate) use connect::ConnectRequest;
pub use connect::{ClientName, ConnectOptions};
use connect::{connect_within, tcp_socket};
pub(crate) use fifo::fifo_paths;
pub use groups::group_names;
pub use inherited::ConnectionEnds;
pub(crate) use inherited::{ConnectedPair, InheritedConnection};
pub(crate) use leftover::{remove_all_leftovers, remove_recorded_leftovers};
pub use link::Link;
use message_channel::MessageChannel;
pub use pending::PendingConnection;
pub(crate) use pipe::connected_pair as pipe_pair;
#[cfg(feature = "cli")]
pub(crate) use port::is_loopback_address;
pub(crate) use port::{loopback_address, missing_loopback_address};
pub(crate) use raw_udp::send_from_port_zero;
pub(crate) use reaction::Processes;
pub(crate) use stopwatch::Stopwatch;
pub use tuning::Tuning;
#[cfg(feature = "cli")]
pub(crate) use unix::socket_address as unix_socket_address;

/// A mechanism by which clients reach a server, such as TCP or a pipe.
#[derive(Debug)]
pub struct Transport {
    /// The name of the transport on the command line.
    pub name: &'static str,
    /// A description of the transport in one line, for help and tables.
    pub summary: &'static str,
    /// The capabilities of a server that makes its own socket for this transport.
    pub capabilities: Capabilities,
    /// The placeholders that each stand for the whole address of a server, out of `{addr}`, `{host}`, `{port}` and
    /// `{path}`.
    pub placeholders: &'static [&'static str],
    /// The function that reserves an unused address for a server, whose own directory it is given.
    pub(crate) reserve: fn(&Path) -> io::Result<ReservedAddress>,
    pub(crate) connect: fn(&ConnectRequest<'_>) -> io::Result<Link>,
    pub(crate) open_channel: fn(ChannelRequest<'_>) -> io::Result<Box<dyn Channel>>,
    /// The functions that make the connection, if the server inherits it and has no address.
    pub(crate) inherited: Option<InheritedConnection>,
    pub(crate) readiness: Readiness,
}

/// The condition that shows that a server is ready.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Readiness {
    /// The server is ready when the kernel lists a listening TCP socket at its address.
    TcpListener,
    /// The server is ready when the kernel lists a UDP socket at its address.
    UdpSocket,
    /// The server is ready when the kernel lists a Unix domain socket with its name.
    UnixSocket,
    /// The server is ready when its two named pipes exist.
    NamedPipes,
    /// The server is ready when the given function finds the objects that the server makes.
    Objects(fn(&Address) -> bool),
    /// The server is ready at once, because it inherits its connection.
    Immediate,
}

impl Transport {
    /// Returns the transport called `name`.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Transport> {
        TRANSPORTS.iter().chain(MEASURED_ONLY).copied().find(|transport| transport.name == name)
    }

    /// Returns whether a protocol over this transport has a byte stream or messages.
    #[must_use]
    pub(crate) fn kind(&self) -> TransportKind {
        if self.capabilities.contains(Capabilities::STREAM) {
            TransportKind::Stream
        } else {
            TransportKind::Message
        }
    }

    /// Opens a client's channel to a server for measurements. Blocks until the server has accepted the client.
    ///
    /// # Errors
    /// Those of the mechanism's own calls; `Unsupported` if the system lacks something that the tuning asks for.
    #[doc(hidden)]
    pub fn open_channel(&'static self, request: ChannelRequest<'_>) -> io::Result<Box<dyn Channel>> {
        (self.open_channel)(request)
    }

    /// Whether the server inherits its connection, so that each client has a server process of its own.
    #[must_use]
    #[doc(hidden)]
    pub fn is_inherited(&self) -> bool {
        self.inherited.is_some()
    }

    /// Whether the server inherits sockets as standard input and output.
    #[must_use]
    pub(crate) fn inherits_sockets(&self) -> bool {
        self.inherited.as_ref().is_some_and(|inherited| inherited.sockets)
    }
}

/// Every transport that is checked, in the order of help and tables.
pub const TRANSPORTS: &[&Transport] = &[
    Transport::TCP,
    Transport::TCP6,
    Transport::UDP,
    Transport::UDP6,
    Transport::UNIX,
    Transport::UNIX_ABSTRACT,
    Transport::UNIX_DGRAM,
    Transport::UNIX_SEQPACKET,
    Transport::PIPE,
    Transport::FIFO,
    Transport::SOCKETPAIR,
    Transport::SOCKETPAIR_DGRAM,
    Transport::SOCKETPAIR_SEQPACKET,
    Transport::PTY,
    Transport::MQUEUE,
    Transport::SYSV_MQ,
    Transport::SHM_FUTEX,
    Transport::SHM_EVENTFD,
    Transport::SHM_SPIN,
];

/// Transports that are measured but not checked: a signal carries too little for any check, and memory lent by
/// vmsplice(2) looks like any other pipe to a server.
pub const MEASURED_ONLY: &[&Transport] = &[&vmsplice::TRANSPORT, &signal::TRANSPORT];
