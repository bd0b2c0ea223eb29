//! Two message queues, one for each direction: what POSIX's and System V's have in common.

use std::io;
use std::sync::mpsc;
use std::time::Duration;

use nix::errno::Errno;
use socket2::Type;

use super::bridge::{Shore, bridge};
use super::{Channel, Link, Room, Waiting};
use crate::deadline::until;
use crate::payload::KIB;
use crate::sys::MessageQueue;

/// More than any queue's largest message.
const BUFFER: usize = 64 * KIB;

/// A client's end at full speed.
pub(super) struct QueueChannel {
    pub to: MessageQueue,
    pub from: MessageQueue,
    pub waiting: Waiting,
    room: Room,
    largest: usize,
    /// mq_receive(3) wants room for the largest message, whatever comes.
    buffer: Box<[u8]>,
}

impl QueueChannel {
    pub fn between(to: MessageQueue, from: MessageQueue, waiting: Waiting) -> io::Result<Box<dyn Channel>> {
        let capacity = to.capacity()?;
        let room = Room::exactly(capacity.bytes).with_places(capacity.messages);
        let buffer = vec![0; BUFFER].into();
        Ok(Box::new(QueueChannel { to, from, waiting, room, largest: capacity.largest_message, buffer }))
    }
}

impl Channel for QueueChannel {
    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.waiting.until(|| self.to.send(bytes))
    }

    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.len() >= self.largest {
            return self.waiting.until(|| self.from.receive(buffer));
        }
        let length = self.waiting.until(|| self.from.receive(&mut self.buffer))?;
        let kept = length.min(buffer.len());
        buffer[..kept].copy_from_slice(&self.buffer[..kept]);
        Ok(length)
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

/// A client of the checks. An empty message of its own, sent last, comes back after all others: only then it leaves, so
/// that it leaves none of its echoes to the next; and that is the end that the client sees. Where the server has gone, it sends that to itself, by `poke`.
/// `hold` goes when it has left.
pub(super) fn link(
    mut to: MessageQueue,
    mut from: MessageQueue,
    mut poke: MessageQueue,
    limit: Duration,
    hold: impl Send + 'static,
) -> io::Result<Link> {
    let largest = to.capacity()?.largest_message;
    let (left, has_left) = mpsc::channel::<()>();
    let mut buffer = vec![0; BUFFER];
    let link = bridge(
        Type::SEQPACKET,
        Shore {
            put: move |bytes: Option<&[u8]>| {
                let sent = insist(&mut to, bytes.unwrap_or_default(), limit);
                let ended = bytes.is_none();
                if ended && has_left.recv_timeout(limit) == Err(mpsc::RecvTimeoutError::Timeout) {
                    return insist(&mut poke, b"", limit);
                }
                sent
            },
            take: move |place: &mut [u8]| {
                let length = Waiting::Blocks.until(|| from.receive(&mut buffer))?;
                place[..length].copy_from_slice(&buffer[..length]);
                Ok(Some(length).filter(|length| *length > 0))
            },
            leave: move || drop((left, hold)),
        },
    )?;
    Ok(link.limited_to(largest))
}

/// Sends one message, as soon as there is room for it.
fn insist(queue: &mut MessageQueue, bytes: &[u8], limit: Duration) -> io::Result<()> {
    let mut refused = None;
    let sent = until(limit, || match queue.send(bytes) {
        Err(Errno::EAGAIN | Errno::EINTR) => Ok(None),
        outcome => {
            refused = outcome.err();
            Ok(Some(()))
        }
    });
    match (sent, refused) {
        (_, Some(errno)) => Err(errno.into()),
        (Ok(Some(())), None) => Ok(()),
        _ => Err(io::ErrorKind::TimedOut.into()),
    }
}
