//! One client, and the calls that serve it.

use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

use io_uring::types::Fd;
use io_uring::{opcode, squeue};
use nix::libc;
use nix::sys::socket::{Shutdown, setsockopt, shutdown, sockopt};

pub struct Connection {
    socket: OwnedFd,
    buffer: Vec<u8>,
}

impl Connection {
    /// Creates a connection from a socket that the kernel has just accepted.
    pub fn new(socket: RawFd) -> Connection {
        #[expect(unsafe_code, reason = "accept returns a number")]
        // SAFETY: the kernel has just opened it for this process, and nothing else owns it.
        let socket = unsafe { OwnedFd::from_raw_fd(socket) };
        // Nagle's algorithm would delay a small echo until the client acknowledges the last one.
        let _ = setsockopt(&socket, sockopt::TcpNoDelay, &true);
        Connection { socket, buffer: vec![0; 64 * 1024] }
    }

    pub fn receive(&mut self) -> squeue::Entry {
        let (start, length) = (self.buffer.as_mut_ptr(), self.buffer.len() as u32);
        opcode::Recv::new(Fd(self.socket.as_raw_fd()), start, length).build()
    }

    /// Returns an io_uring call that sends the first `length` bytes of the buffer, all of them: the kernel also waits
    /// for room. The next call in the queue is linked to it. It has a result only if it fails; then the linked call
    /// has none.
    pub fn send(&self, length: u32) -> squeue::Entry {
        opcode::Send::new(Fd(self.socket.as_raw_fd()), self.buffer.as_ptr(), length)
            .flags(libc::MSG_NOSIGNAL | libc::MSG_WAITALL)
            .build()
            .flags(squeue::Flags::IO_LINK | squeue::Flags::SKIP_SUCCESS)
    }

    /// Ends the io_uring calls of a connection that are running, by shutting its socket down.
    pub fn end(&self) {
        let _ = shutdown(self.socket.as_raw_fd(), Shutdown::Both);
    }
}
