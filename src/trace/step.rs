//! One step of a trace: an actor, an action, and its time.

use std::fmt;
use std::time::Duration;

use crate::text::count_with_noun;

/// One step of a trace: a client or a process does something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The time from the beginning of the trace to this step.
    pub at: Duration,
    /// The client or process whose action the step is.
    pub actor: Actor,
    /// The action of the client or process.
    pub action: Action,
}

/// A client of the harness, or a process of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Actor {
    /// The actor is the client with this number, counted from 1 in the order in which clients connect.
    Client(usize),
    /// The actor is the server's process with this process id.
    Process(i32),
}

/// An action of a client or a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// A client connects to the server, from this address if it has one.
    Connects(Option<String>),
    /// A client sends bytes.
    Sends(Transfer),
    /// A client receives bytes.
    Receives(Transfer),
    /// A client reads the end of file from its connection.
    ReceivesEnd,
    /// A client ends its direction of the connection with shutdown(2).
    EndsDirection,
    /// A client closes its connection.
    Closes,
    /// A client closes its connection with a reset.
    Resets,
    /// The server has read everything that a client has sent.
    AllRead,
    /// A client has waited up to its deadline. The text says what for.
    InVain(String),
    /// A client does something else, which this text describes.
    Other(String),
    /// A process of the server has been launched.
    Launched,
    /// A process of the server listens at this address.
    Ready(String),
    /// The signal with this name is sent to a process of the server.
    Signal(String),
    /// A process of the server still runs at the end of a failed check. The text says what it is blocked in.
    State(String),
    /// A process of the server has exited, with the status that the text describes.
    Ended(String),
}

/// Bytes that one client sends or receives, with no other step in between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    /// The number of bytes that the client sent or received.
    pub bytes: usize,
    /// The number of calls in which the client sent or received the bytes.
    pub pieces: usize,
    /// The first bytes of the transfer, quoted and escaped.
    pub beginning: String,
    /// All bytes of the transfer, or `None` if there are more than [`Transfer::KEPT`].
    pub content: Option<Vec<u8>>,
}

impl Transfer {
    /// The maximum number of bytes of a transfer that a trace keeps.
    pub const KEPT: usize = 256;

    /// Adds one more piece.
    pub(super) fn add(&mut self, piece: &[u8]) {
        self.bytes += piece.len();
        self.pieces += 1;
        self.content = self.content.take().filter(|_| self.bytes <= Self::KEPT).map(|mut content| {
            content.extend_from_slice(piece);
            content
        });
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Actor::Client(number) => write!(f, "client {number}"),
            Actor::Process(pid) => write!(f, "process {pid}"),
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Action::Connects(None) => f.write_str("connects"),
            Action::Connects(Some(from)) => write!(f, "connects from {from}"),
            Action::Sends(transfer) => write!(f, "sends {transfer}"),
            Action::Receives(transfer) => write!(f, "receives {transfer}"),
            Action::ReceivesEnd => f.write_str("receives end of file"),
            Action::EndsDirection => f.write_str("ends its direction"),
            Action::Closes => f.write_str("closes"),
            Action::Resets => f.write_str("resets"),
            Action::AllRead => f.write_str("has been read to the last byte"),
            Action::InVain(wanted) => write!(f, "waits in vain for {wanted}"),
            Action::Other(text) => f.write_str(text),
            Action::Launched => f.write_str("is launched"),
            Action::Ready(address) => write!(f, "is ready at {address}"),
            Action::Signal(signal) => write!(f, "gets {signal}"),
            Action::State(text) => f.write_str(text),
            Action::Ended(status) => write!(f, "has ended: {status}"),
        }
    }
}

impl fmt::Display for Transfer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Transfer { bytes, pieces, beginning, .. } = self;
        let pieces = if *pieces > 1 { format!(" in {pieces} pieces") } else { String::new() };
        write!(f, "{}{pieces}: {beginning}", count_with_noun(*bytes, "byte"))
    }
}

/// Displays a step as `client 1 sends 3 bytes: "abc"`.
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.action {
            Action::Launched => write!(f, "the server is launched as {}", self.actor),
            _ => write!(f, "{} {}", self.actor, self.action),
        }
    }
}
