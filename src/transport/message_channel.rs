//! Messages over a connected socket: one send(2) makes one, one recv(2) takes one.

use std::io;
use std::os::fd::AsRawFd;

use nix::sys::socket::{MsgFlags, recv, send};
use socket2::Socket;

use super::{Channel, Room, Waiting};

/// A socket that keeps boundaries, connected to its peer.
pub(super) struct MessageChannel {
    socket: Socket,
    waiting: Waiting,
    room: Room,
    largest: usize,
}

impl MessageChannel {
    pub fn over(
        socket: Socket,
        waiting: Waiting,
        room: Room,
        largest: usize,
    ) -> io::Result<Box<dyn Channel>> {
        waiting.set_on(&socket)?;
        Ok(Box::new(MessageChannel { socket, waiting, room, largest }))
    }
}

impl Channel for MessageChannel {
    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.waiting.until(|| send(self.socket.as_raw_fd(), bytes, MsgFlags::empty())).map(drop)
    }

    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.waiting.until(|| recv(self.socket.as_raw_fd(), buffer, MsgFlags::empty()))
    }

    fn window(&self) -> usize {
        self.room.bytes()
    }

    fn under_way(&self, size: usize) -> usize {
        self.room.messages(size)
    }

    fn largest(&self) -> Option<usize> {
        Some(self.largest)
    }
}
