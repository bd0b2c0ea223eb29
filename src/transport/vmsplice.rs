//! Two pipes, into which the client puts its memory instead of copies of it: vmsplice(2). With a server that moves pages
//! (splice(2)) nothing is copied on the way there, and once on the way back: a read cannot be spared, for the client
//! must see the bytes.
//!
//! That is a client's part. A server could lend only memory that it had copied the bytes into.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use nix::unistd::read;

use super::{Channel, Inherited, Opening, Room, Transport, Waiting, pipe};
use crate::os::ipc::lend;

pub(super) const TRANSPORT: Transport = Transport {
    name: "pipe-vmsplice",
    says: "standard input to standard output, through two pipes that are lent memory",
    open,
    inherited: Some(Inherited { make: pipe::make, link: pipe::link, sockets: false }),
    ..pipe::TRANSPORT
};

struct LendingChannel {
    from: OwnedFd,
    to: OwnedFd,
    waiting: Waiting,
    room: Room,
}

fn open(opening: Opening<'_>) -> io::Result<Box<dyn Channel>> {
    let (from, to) = opening.ends.ok_or_else(pipe::not_inherited)?;
    let waiting = opening.waiting;
    waiting.set_on(&from)?;
    waiting.set_on(&to)?;
    let room = Room::of_lent_pages(&to)?;
    Ok(Box::new(LendingChannel { from, to, waiting, room }))
}

impl Channel for LendingChannel {
    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let lent = self.waiting.until(|| lend(self.to.as_fd(), rest))?;
            rest = &rest[lent..];
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

    fn largest(&self) -> Option<usize> {
        None
    }
}
