//! One client, and the calls that serve it.

use std::mem;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

use io_uring::types::Fd;
use io_uring::{opcode, squeue};
use nix::libc;
use nix::sys::socket::{Shutdown, shutdown};

use crate::buffers::GROUP;

pub struct Connection {
    socket: OwnedFd,
    /// Whether the call that receives is running.
    pub is_receiving: bool,
    /// Whether the client sends no more, or the connection has failed.
    pub is_ended: bool,
    /// The round in which the last echo was submitted, with the number and the length of its buffer.
    pub last: (u64, u16, usize),
    /// The echo that the client has not read: its first part, which a running call sends, and the rest.
    unsent: Vec<u8>,
    waiting: Vec<u8>,
}

impl Connection {
    /// Creates a connection from a socket that the kernel has just accepted.
    pub fn new(socket: RawFd) -> Connection {
        #[expect(unsafe_code, reason = "accept returns a number")]
        // SAFETY: the kernel has just opened it for this process, and nothing else owns it.
        let socket = unsafe { OwnedFd::from_raw_fd(socket) };
        let (unsent, waiting) = (Vec::new(), Vec::new());
        Connection { socket, is_receiving: false, is_ended: false, last: (0, 0, 0), unsent, waiting }
    }

    /// Returns a call that receives again and again, until it fails or is cancelled.
    pub fn receive(&mut self) -> squeue::Entry {
        self.is_receiving = true;
        opcode::RecvMulti::new(Fd(self.socket.as_raw_fd()), GROUP).build()
    }

    /// Returns a call that sends `echo` as far as the socket has room. It ends while it is submitted.
    pub fn send(&self, echo: &[u8]) -> squeue::Entry {
        opcode::Send::new(Fd(self.socket.as_raw_fd()), echo.as_ptr(), echo.len() as u32)
            .flags(libc::MSG_NOSIGNAL | libc::MSG_WAITALL | libc::MSG_DONTWAIT)
            .build()
    }

    /// Whether the client has not read all of its echo.
    pub fn is_blocked(&self) -> bool {
        !self.unsent.is_empty()
    }

    /// Keeps a copy of what a blocked client has sent.
    pub fn keep(&mut self, echo: &[u8]) {
        self.waiting.extend_from_slice(echo);
    }

    /// Returns a call that sends all that was kept, and waits for room, or `None` if nothing was.
    pub fn send_kept(&mut self) -> Option<squeue::Entry> {
        self.unsent = mem::take(&mut self.waiting);
        let call =
            opcode::Send::new(Fd(self.socket.as_raw_fd()), self.unsent.as_ptr(), self.unsent.len() as u32);
        self.is_blocked().then(|| call.flags(libc::MSG_NOSIGNAL | libc::MSG_WAITALL).build())
    }

    /// Ends the calls of a connection that are running, by shutting its socket down.
    pub fn end(&mut self) {
        self.is_ended = true;
        self.waiting = Vec::new();
        let _ = shutdown(self.socket.as_raw_fd(), Shutdown::Both);
    }
}
