//! One connection of a client, and what it waits for.

use std::io::{self, IoSlice};

use rustix::net::{RecvFlags, SendFlags, recv, send};
use socket2::Socket;

use super::exchange::Exchange;
use super::verify::ReplyState;
use crate::protocol::Codec;

/// The state of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// The connection is closed, and may be opened again.
    Closed,
    /// The connection is being established.
    Connecting,
    /// The greeting or the opening of the protocol is not complete.
    Opening,
    /// The connection waits for its next request.
    Idle,
    /// A request is sent, at least in part, and its reply is not complete.
    Busy,
}

/// One connection. A thread keeps its connections in a list, and opens each again when it has been closed.
#[derive(Debug)]
pub(super) struct Connection {
    pub state: State,
    pub socket: Option<Socket>,
    /// The exchange that is going on.
    pub exchange: Exchange,
    /// The number of bytes of the request that are sent.
    pub sent: usize,
    pub reply: ReplyState,
    /// The codec that speaks on the connection; `None` once requests are made from known bytes.
    pub codec: Option<Box<Codec>>,
    /// The time from which the latency of the exchange counts.
    pub intended: u64,
    /// The time at which the connection began to wait.
    pub since: u64,
    /// The number of bytes of the reply that have come.
    pub received: usize,
    /// Whether the server has answered on this connection since it was opened.
    pub is_served: bool,
    /// Whether the client counts this connection as one that the server has not answered.
    pub is_counted_unserved: bool,
    /// Whether a request waits for the connection or for its reply.
    pub has_request: bool,
    /// The number of times that the connection was opened.
    pub opened: u64,
    /// Whether the exchange counts towards the number of requests of the run.
    pub counts: bool,
    /// The number of times that the connection failed without a correct reply in between.
    pub failures: u32,
    /// Whether the event loop watches for room to write.
    pub watches_writable: bool,
}

impl Connection {
    /// Returns a connection that is not yet open.
    pub fn new() -> Connection {
        Connection {
            state: State::Closed,
            socket: None,
            exchange: Exchange::new(0),
            sent: 0,
            reply: ReplyState::default(),
            codec: None,
            intended: 0,
            since: 0,
            received: 0,
            is_served: false,
            is_counted_unserved: false,
            has_request: false,
            opened: 0,
            counts: false,
            failures: 0,
            watches_writable: false,
        }
    }

    /// Sends bytes without waiting. Returns how many the system took.
    ///
    /// # Errors
    /// `WouldBlock` if there is no room, and the other errors of send(2).
    #[inline]
    pub fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        let Some(socket) = &self.socket else { return Err(io::ErrorKind::NotConnected.into()) };
        Ok(send(socket, bytes, SendFlags::empty())?)
    }

    /// Sends the bytes of several slices without waiting. Returns how many the system took.
    ///
    /// # Errors
    /// As [`send`](Connection::send).
    pub fn send_vectored(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let Some(socket) = &self.socket else { return Err(io::ErrorKind::NotConnected.into()) };
        socket.send_vectored(slices)
    }

    /// Receives bytes without waiting. Returns 0 at the end of the stream.
    ///
    /// # Errors
    /// `WouldBlock` if nothing has come, and the other errors of recv(2).
    #[inline]
    pub fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(socket) = &self.socket else { return Err(io::ErrorKind::NotConnected.into()) };
        Ok(recv(socket, buffer, RecvFlags::empty())?.0)
    }

    /// Returns whether the connection waits for the server.
    pub fn is_waiting(&self) -> bool {
        matches!(self.state, State::Connecting | State::Opening | State::Busy)
    }
}
