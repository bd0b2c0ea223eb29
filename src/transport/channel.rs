//! A conversation at full speed, as a measurement has it: nothing is counted, verified or bounded in time.
//!
//! A [`Client`](super::Client) of the checks polls, counts and compares at every step, and costs more than many a
//! mechanism. A channel makes just the calls that a program in production would make. Whoever holds one runs in a
//! process of its own, which its owner ends when nothing moves any more.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::{hint, io, thread};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use serde::{Deserialize, Serialize};
use socket2::{Domain, Socket, Type};

use super::Address;
use crate::sys;

/// One client's end of a mechanism.
pub trait Channel {
    /// Sends all of `bytes`; where the mechanism keeps boundaries, as one message. They are to stay as they are until
    /// they have come back: `pipe-vmsplice` lends the memory itself.
    ///
    /// Waits as the channel was [opened](Opening::waiting) to. A stream may be sent at most [`window`](Channel::window)
    /// bytes more than were received, or both sides wait for each other for ever.
    ///
    /// # Errors
    /// Those of the mechanism's own call.
    fn send(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Waits for bytes and takes what is there, or one message, into `buffer`; answers how many. Zero is the end of a
    /// stream (or an empty message).
    ///
    /// # Errors
    /// Those of the mechanism's own call.
    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<usize>;

    /// How many bytes can be under way, sent and not yet received back, without a server that echoes at once ever being
    /// kept from writing: what the narrower of the two directions holds. It is told for large pieces; what small ones
    /// cost beyond their bytes is in [`under_way`](Channel::under_way).
    fn window(&self) -> usize;

    /// How many messages of `size` bytes can be under way, at least one. Each takes up more than its bytes: a socket
    /// buffer's header, the rest of a pipe's page, a place in a queue that counts messages. A stream that cannot hold
    /// even one (`size` beyond the [`window`](Channel::window)) must be sent in pieces.
    fn under_way(&self, size: usize) -> usize;

    /// The largest message in bytes; `None` for a stream, which has none.
    fn largest(&self) -> Option<usize> {
        None
    }
}

/// What a client does while nothing has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Waiting {
    /// Sleeps in the kernel until it is woken.
    Blocks,
    /// Asks again at once, and keeps its processor busy.
    Spins,
    /// Asks again after it has let others run: what spinning must be where both sides share one processor.
    Yields,
}

impl Waiting {
    /// Passes the moment until it is worth asking again. A call that blocks comes here only where a system has no way
    /// to wait: ENOBUFS of a full Unix datagram queue on the BSDs.
    #[inline]
    pub(super) fn pause(self) {
        match self {
            Waiting::Spins => hint::spin_loop(),
            Waiting::Yields | Waiting::Blocks => thread::yield_now(),
        }
    }

    /// Makes `call` until it has an answer.
    #[inline]
    pub(super) fn until<T>(self, mut call: impl FnMut() -> nix::Result<T>) -> io::Result<T> {
        loop {
            match call() {
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN | Errno::ENOBUFS) => self.pause(),
                answer => return answer.map_err(io::Error::from),
            }
        }
    }

    /// Has `descriptor` answer at once if this is not to sleep. It belongs to the open file description (open(2)).
    pub(super) fn set_on(self, descriptor: impl AsFd) -> io::Result<()> {
        let flags = OFlag::from_bits_retain(fcntl(&descriptor, FcntlArg::F_GETFL)?);
        let wanted = match self {
            Waiting::Blocks => flags - OFlag::O_NONBLOCK,
            Waiting::Spins | Waiting::Yields => flags | OFlag::O_NONBLOCK,
        };
        if wanted != flags {
            fcntl(&descriptor, FcntlArg::F_SETFL(wanted))?;
        }
        Ok(())
    }
}

/// What can be set on a mechanism and changes its figures. What a mechanism does not have is left alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tuning {
    /// `TCP_NODELAY`: false lets Nagle's algorithm (RFC 896) hold small segments back.
    pub nodelay: bool,
    /// `TCP_CONGESTION` by its name, as `tcp(7)` lists them; the system's own where absent.
    pub congestion: Option<String>,
    /// `SO_SNDBUF` and `SO_RCVBUF` in bytes; the system's own where absent.
    pub socket_buffer: Option<usize>,
    /// `F_SETPIPE_SZ` in bytes; the system's own where absent.
    pub pipe_size: Option<usize>,
}

impl Default for Tuning {
    fn default() -> Self {
        Tuning { nodelay: true, congestion: None, socket_buffer: None, pipe_size: None }
    }
}

impl Tuning {
    /// Sets all of it on a socket and a pipe of no use, to know that it can be.
    ///
    /// # Errors
    /// What cannot be set, and what would mend it.
    pub fn try_out(&self) -> Result<(), String> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).map_err(|error| error.to_string())?;
        self.prepare_tcp(&socket).map_err(|error| match (&self.congestion, error.kind()) {
            (Some(name), io::ErrorKind::NotFound) => format!(
                "the kernel has no congestion control '{name}'; net.ipv4.tcp_available_congestion_control lists them"
            ),
            (Some(name), _) => format!("congestion control '{name}' cannot be set: {error}"),
            (None, _) => format!("a TCP socket cannot be set so: {error}"),
        })?;
        let (end, _other) = os_pipe::pipe().map_err(|error| error.to_string())?;
        self.size_pipe(&end).map_err(|error| {
            let wanted = self.pipe_size.unwrap_or_default();
            format!("a pipe cannot hold {wanted} bytes: {error}; /proc/sys/fs/pipe-max-size is the most")
        })
    }

    /// Sizes the buffers of a socket that is not yet connected.
    pub(super) fn size(&self, socket: &Socket) -> io::Result<()> {
        if let Some(bytes) = self.socket_buffer {
            socket.set_send_buffer_size(bytes)?;
            socket.set_recv_buffer_size(bytes)?;
        }
        Ok(())
    }

    /// Prepares a TCP socket that is not yet connected.
    pub(super) fn prepare_tcp(&self, socket: &Socket) -> io::Result<()> {
        self.size(socket)?;
        socket.set_tcp_nodelay(self.nodelay)?;
        self.congestion.as_deref().map_or(Ok(()), |name| sys::set_congestion_control(socket.as_fd(), name))
    }

    /// Sizes a pipe.
    pub(super) fn size_pipe(&self, end: impl AsFd) -> io::Result<()> {
        self.pipe_size.map_or(Ok(()), |bytes| sys::set_pipe_capacity(end.as_fd(), bytes))
    }
}

/// All that is needed to open a channel to a server that runs.
#[derive(Debug)]
pub struct Opening<'a> {
    /// Where the server listens.
    pub address: &'a Address,
    /// The near ends that this process was given, where the server was launched on their far ends: what is read, and
    /// what is written (of a socket pair or a terminal, twice the same).
    pub ends: Option<(OwnedFd, OwnedFd)>,
    /// The server's process, for mechanisms that are addressed by it.
    pub server: nix::unistd::Pid,
    /// A directory for what the client must bind itself.
    pub scratch: &'a Path,
    /// Tells this client from others of the same server.
    pub number: u64,
    /// What it does while nothing has come.
    pub waiting: Waiting,
    /// What is set on the mechanism.
    pub tuning: &'a Tuning,
}
