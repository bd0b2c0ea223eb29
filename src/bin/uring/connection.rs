//! One client, and the calls that are made for it.

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
    /// Of a socket that the kernel has just accepted for us.
    pub fn new(socket: RawFd) -> Connection {
        #[expect(unsafe_code, reason = "accept answers with a number")]
        // SAFETY: it was opened for us, and nobody else knows of it.
        let socket = unsafe { OwnedFd::from_raw_fd(socket) };
        // Nagle's algorithm would hold back a small echo until the last is acknowledged.
        let _ = setsockopt(&socket, sockopt::TcpNoDelay, &true);
        Connection { socket, buffer: vec![0; 64 * 1024] }
    }

    pub fn receive(&mut self) -> squeue::Entry {
        let (start, length) = (self.buffer.as_mut_ptr(), self.buffer.len() as u32);
        opcode::Recv::new(Fd(self.socket.as_raw_fd()), start, length).build()
    }

    /// All of the buffer's first `length` bytes (the kernel waits for room, too), and then what is linked to it. It
    /// answers only if it fails, and then nothing that is linked to it does.
    pub fn send(&self, length: u32) -> squeue::Entry {
        opcode::Send::new(Fd(self.socket.as_raw_fd()), self.buffer.as_ptr(), length)
            .flags(libc::MSG_NOSIGNAL | libc::MSG_WAITALL)
            .build()
            .flags(squeue::Flags::IO_LINK | squeue::Flags::SKIP_SUCCESS)
    }

    /// Makes calls under way end.
    pub fn end(&self) {
        let _ = shutdown(self.socket.as_raw_fd(), Shutdown::Both);
    }
}
