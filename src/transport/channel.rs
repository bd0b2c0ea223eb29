//! A client's end for measurements: it counts, verifies and limits nothing.
//!
//! The [`Client`](super::Client) of the checks polls, counts and compares at every step, and costs more than some
//! mechanisms do. A channel makes only the calls that a program in production would make. It is used in a process of
//! its own, which its parent ends when it makes no progress.

use std::os::fd::AsFd;
use std::path::Path;
use std::{hint, io, thread};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};

use super::{Address, ConnectionEnds, Tuning};

/// A client's end of a connection to a server, which sends and receives for measurements.
pub trait Channel {
    /// Sends all of `bytes` to the server, as one message where the mechanism keeps boundaries. `bytes` must not change
    /// before they have come back: `pipe-vmsplice` lends the memory itself to the kernel.
    ///
    /// On a stream, at most [`window`](Channel::window) bytes may be sent and not yet received back. With more, both
    /// sides can block for ever.
    ///
    /// # Errors
    /// Those of the mechanism's own call.
    fn send(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Waits for bytes or a message from the server, and reads them into `buffer`. Returns their number. Zero is the
    /// end of a stream, or an empty message.
    ///
    /// # Errors
    /// Those of the mechanism's own call.
    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<usize>;

    /// Returns the number of bytes that can be in flight, sent and not yet received back, while a server that echoes at
    /// once can always write: the capacity of the smaller direction. The number holds for large pieces; for small
    /// pieces see [`max_in_flight`](Channel::max_in_flight).
    fn window(&self) -> usize;

    /// Returns the number of messages of `size` bytes that can be in flight, at least one. A message takes up more than
    /// its bytes: the header of a socket buffer, the rest of a pipe's page, a slot of a queue. A piece of more than
    /// [`window`](Channel::window) bytes must be sent in parts.
    fn max_in_flight(&self, size: usize) -> usize;

    /// Returns the length of the largest message in bytes; `None` for a stream.
    fn max_message(&self) -> Option<usize> {
        None
    }
}

/// The way in which a client waits for input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum ClientWaitMode {
    /// The client sleeps in the kernel until input wakes it.
    #[cfg_attr(feature = "serde", serde(rename = "blocks"))]
    Block,
    /// The client polls for input without a pause, and keeps its processor busy.
    #[cfg_attr(feature = "serde", serde(rename = "spins"))]
    Spin,
    /// The client polls for input, with sched_yield(2) between two attempts. Use this instead of spinning if client and
    /// server share a processor.
    #[cfg_attr(feature = "serde", serde(rename = "yields"))]
    Yield,
}

impl ClientWaitMode {
    /// Waits a moment before the next attempt at a call, as this mode says. Also used for a call that should block but
    /// cannot: ENOBUFS of a full Unix datagram queue on the BSDs.
    #[inline]
    pub(super) fn pause(self) {
        match self {
            ClientWaitMode::Spin => hint::spin_loop(),
            ClientWaitMode::Yield | ClientWaitMode::Block => thread::yield_now(),
        }
    }

    /// Repeats `call` until it succeeds or fails for good, with the pause of this mode between two attempts.
    #[inline]
    pub(super) fn retry<T>(self, mut call: impl FnMut() -> nix::Result<T>) -> io::Result<T> {
        loop {
            match call() {
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN | Errno::ENOBUFS) => self.pause(),
                result => return result.map_err(io::Error::from),
            }
        }
    }

    /// Sets or clears `O_NONBLOCK` of `descriptor` as this mode needs it. The flag belongs to the open file description
    /// (open(2)).
    pub(super) fn apply_to(self, descriptor: impl AsFd) -> io::Result<()> {
        let flags = OFlag::from_bits_retain(fcntl(&descriptor, FcntlArg::F_GETFL)?);
        let wanted = match self {
            ClientWaitMode::Block => flags - OFlag::O_NONBLOCK,
            ClientWaitMode::Spin | ClientWaitMode::Yield => flags | OFlag::O_NONBLOCK,
        };
        if wanted != flags {
            fcntl(&descriptor, FcntlArg::F_SETFL(wanted))?;
        }
        Ok(())
    }
}

/// The values that a transport needs to open a channel to a running server.
#[derive(Debug)]
pub struct ChannelRequest<'a> {
    /// The address of the server that the channel leads to.
    pub address: &'a Address,
    /// The client's ends of the connection, if the server inherited its own ends.
    pub ends: Option<ConnectionEnds>,
    /// The process id of the server, for mechanisms such as signals that are addressed by it.
    pub server: nix::unistd::Pid,
    /// The directory in which the client makes the files that it must bind.
    pub scratch: &'a Path,
    /// The number of the client, which no other client of this server has.
    pub number: u64,
    /// The way in which the client waits for input.
    pub wait_mode: ClientWaitMode,
    /// The options to set on the client's sockets or pipes.
    pub tuning: &'a Tuning,
}
