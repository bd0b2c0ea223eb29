//! A channel for messages over a connected socket: each send(2) sends one, each recv(2) receives one.

use std::io;
use std::os::fd::AsRawFd;

use nix::sys::socket::{MsgFlags, recv, send};
use socket2::Socket;

use super::{Capacity, Channel, ClientWaitMode};

/// A channel for measurements over a connected socket that keeps message boundaries.
pub(super) struct MessageChannel {
    socket: Socket,
    wait_mode: ClientWaitMode,
    capacity: Capacity,
    max_message: usize,
}

impl MessageChannel {
    pub fn over_socket(
        socket: Socket,
        wait_mode: ClientWaitMode,
        capacity: Capacity,
        max_message: usize,
    ) -> io::Result<Box<dyn Channel>> {
        wait_mode.apply_to(&socket)?;
        Ok(Box::new(MessageChannel { socket, wait_mode, capacity, max_message }))
    }
}

impl Channel for MessageChannel {
    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.wait_mode.retry(|| send(self.socket.as_raw_fd(), bytes, MsgFlags::empty())).map(drop)
    }

    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.wait_mode.retry(|| recv(self.socket.as_raw_fd(), buffer, MsgFlags::empty()))
    }

    fn window(&self) -> usize {
        self.capacity.bytes()
    }

    fn max_in_flight(&self, size: usize) -> usize {
        self.capacity.messages(size)
    }

    fn max_message(&self) -> Option<usize> {
        Some(self.max_message)
    }
}
