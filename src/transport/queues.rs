//! Two message queues, one for each direction: the part that POSIX and System V queues share.

use std::io;
use std::sync::mpsc;
use std::time::Duration;

use nix::errno::Errno;
use socket2::Type;

use super::relay::{RelayCalls, relay};
use super::{Capacity, Channel, ClientWaitMode, Link};
use crate::deadline::until;
use crate::payload::KIB;
use crate::sys::MessageQueue;

/// The size of a client's receive buffer: more than the largest message of any message queue.
const BUFFER: usize = 64 * KIB;

/// A channel over two message queues, one for each direction.
pub(super) struct QueueChannel {
    to: MessageQueue,
    from: MessageQueue,
    wait_mode: ClientWaitMode,
    capacity: Capacity,
    max_message: usize,
    /// The receive buffer: mq_receive(3) requires a buffer for the largest message, whatever the size of the next one.
    buffer: Box<[u8]>,
}

impl QueueChannel {
    pub fn open(
        to: MessageQueue,
        from: MessageQueue,
        wait_mode: ClientWaitMode,
    ) -> io::Result<Box<dyn Channel>> {
        let limits = to.capacity()?;
        let capacity = Capacity::of_bytes(limits.bytes).with_slots(limits.messages);
        let buffer = vec![0; BUFFER].into();
        Ok(Box::new(QueueChannel {
            to,
            from,
            wait_mode,
            capacity,
            max_message: limits.largest_message,
            buffer,
        }))
    }
}

impl Channel for QueueChannel {
    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.wait_mode.retry(|| self.to.send(bytes))
    }

    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.len() >= self.max_message {
            return self.wait_mode.retry(|| self.from.receive(buffer));
        }
        let length = self.wait_mode.retry(|| self.from.receive(&mut self.buffer))?;
        let kept = length.min(buffer.len());
        buffer[..kept].copy_from_slice(&self.buffer[..kept]);
        Ok(length)
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

/// Returns a link for the checks, which is a socket relayed to two message queues.
///
/// When the client ends its direction, the relay sends an empty message, whose echo comes back after all others. The
/// client sees that echo as end of file, and leaves no message for the next client. If the server does not answer, the
/// relay sends the empty message to itself through `wake`. `guard` is dropped when the relay ends.
pub(super) fn relay_link(
    mut to: MessageQueue,
    mut from: MessageQueue,
    mut wake: MessageQueue,
    timeout: Duration,
    guard: impl Send + 'static,
) -> io::Result<Link> {
    let largest = to.capacity()?.largest_message;
    let (alive, has_ended) = mpsc::channel::<()>();
    let mut buffer = vec![0; BUFFER];
    let link = relay(
        Type::SEQPACKET,
        RelayCalls {
            send: move |bytes: Option<&[u8]>| {
                let sent = send_within(&mut to, bytes.unwrap_or_default(), timeout);
                let last = bytes.is_none();
                if last && has_ended.recv_timeout(timeout) == Err(mpsc::RecvTimeoutError::Timeout) {
                    return send_within(&mut wake, b"", timeout);
                }
                sent
            },
            receive: move |message: &mut [u8]| {
                let length = ClientWaitMode::Block.retry(|| from.receive(&mut buffer))?;
                message[..length].copy_from_slice(&buffer[..length]);
                Ok(Some(length).filter(|length| *length > 0))
            },
            close: move || drop((alive, guard)),
        },
    )?;
    Ok(link.limited_to(largest))
}

/// Sends one message to `queue`, as soon as the queue has room, for at most `timeout`.
fn send_within(queue: &mut MessageQueue, bytes: &[u8], timeout: Duration) -> io::Result<()> {
    let mut failure = None;
    let sent = until(timeout, || match queue.send(bytes) {
        Err(Errno::EAGAIN | Errno::EINTR) => Ok(None),
        result => {
            failure = result.err();
            Ok(Some(()))
        }
    });
    match (sent, failure) {
        (_, Some(errno)) => Err(errno.into()),
        (Ok(Some(())), None) => Ok(()),
        _ => Err(io::ErrorKind::TimedOut.into()),
    }
}
