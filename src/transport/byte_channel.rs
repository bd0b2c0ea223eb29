//! A stream of bytes over descriptors, with the calls of a C program: one write(2) to send, one read(2) to receive.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::rc::Rc;

use nix::unistd::{read, write};
use socket2::Socket;

use super::{Channel, Room, Waiting};

/// The call that sends, and answers how many bytes it took: write(2) as a rule.
type Put = fn(BorrowedFd<'_>, &[u8]) -> nix::Result<usize>;

/// A stream: one socket, two pipes, a terminal.
pub(super) struct ByteChannel {
    from: Rc<OwnedFd>,
    to: Rc<OwnedFd>,
    put: Put,
    waiting: Waiting,
    room: Room,
}

impl ByteChannel {
    /// Over one socket.
    pub fn socket(socket: Socket, waiting: Waiting, room: Room) -> io::Result<Box<dyn Channel>> {
        waiting.set_on(&socket)?;
        let both = Rc::new(OwnedFd::from(socket));
        let put = |to: BorrowedFd<'_>, bytes: &[u8]| write(to, bytes);
        Ok(Box::new(ByteChannel { from: Rc::clone(&both), to: both, put, waiting, room }))
    }

    /// Reads from the one and writes to the other.
    pub fn between(from: OwnedFd, to: OwnedFd, waiting: Waiting, room: Room) -> io::Result<Box<dyn Channel>> {
        ByteChannel::putting(|to, bytes| write(to, bytes), (from, to), waiting, room)
    }

    /// The same, with another call in place of write(2).
    pub fn putting(
        put: Put,
        (from, to): (OwnedFd, OwnedFd),
        waiting: Waiting,
        room: Room,
    ) -> io::Result<Box<dyn Channel>> {
        waiting.set_on(&from)?;
        waiting.set_on(&to)?;
        Ok(Box::new(ByteChannel { from: Rc::new(from), to: Rc::new(to), put, waiting, room }))
    }
}

impl Channel for ByteChannel {
    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let written = self.waiting.until(|| (self.put)(self.to.as_fd(), rest))?;
            rest = &rest[written..];
        }
        Ok(())
    }

    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.waiting.until(|| read(self.from.as_fd(), buffer))
    }

    fn window(&self) -> usize {
        self.room.bytes()
    }

    fn under_way(&self, size: usize) -> usize {
        self.room.messages(size)
    }
}
