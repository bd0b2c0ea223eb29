//! A channel for byte streams, with the calls of a C program: write(2) to send, read(2) to receive.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::rc::Rc;

use nix::unistd::{read, write};
use socket2::Socket;

use super::{Capacity, Channel, ClientWaitMode, ConnectionEnds};

/// The system call by which a byte channel sends. Returns the number of bytes that it sent.
type WriteCall = fn(BorrowedFd<'_>, &[u8]) -> nix::Result<usize>;

/// A channel that carries bytes without boundaries, for measurements, over one socket, two pipes, or a terminal.
pub(super) struct ByteChannel {
    from: Rc<OwnedFd>,
    to: Rc<OwnedFd>,
    write: WriteCall,
    wait_mode: ClientWaitMode,
    capacity: Capacity,
}

impl ByteChannel {
    /// Opens a channel over one socket.
    pub fn over_socket(
        socket: Socket,
        wait_mode: ClientWaitMode,
        capacity: Capacity,
    ) -> io::Result<Box<dyn Channel>> {
        wait_mode.apply_to(&socket)?;
        let both = Rc::new(OwnedFd::from(socket));
        let write = |to: BorrowedFd<'_>, bytes: &[u8]| write(to, bytes);
        Ok(Box::new(ByteChannel { from: Rc::clone(&both), to: both, write, wait_mode, capacity }))
    }

    /// Opens a channel that reads from one descriptor and writes to another.
    pub fn over_ends(
        ends: ConnectionEnds,
        wait_mode: ClientWaitMode,
        capacity: Capacity,
    ) -> io::Result<Box<dyn Channel>> {
        ByteChannel::with_write_call(|to, bytes| write(to, bytes), ends, wait_mode, capacity)
    }

    /// Opens a channel that reads from one descriptor and writes to another, with `write` in place of write(2).
    pub fn with_write_call(
        write: WriteCall,
        ends: ConnectionEnds,
        wait_mode: ClientWaitMode,
        capacity: Capacity,
    ) -> io::Result<Box<dyn Channel>> {
        wait_mode.apply_to(&ends.read)?;
        wait_mode.apply_to(&ends.write)?;
        let (from, to) = (Rc::new(ends.read), Rc::new(ends.write));
        Ok(Box::new(ByteChannel { from, to, write, wait_mode, capacity }))
    }
}

impl Channel for ByteChannel {
    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let written = self.wait_mode.retry(|| (self.write)(self.to.as_fd(), rest))?;
            rest = &rest[written..];
        }
        Ok(())
    }

    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.wait_mode.retry(|| read(self.from.as_fd(), buffer))
    }

    fn window(&self) -> usize {
        self.capacity.bytes()
    }

    fn max_in_flight(&self, size: usize) -> usize {
        self.capacity.messages(size)
    }
}
