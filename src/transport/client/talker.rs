//! Talking without pause, one turn after another.

use std::time::Duration;

use super::Client;
use super::connection::Ready;
use crate::check;
use crate::payload::KIB;
use crate::transport::Capabilities;

/// The content of each request of a client that sends without a pause.
static MESSAGE: [u8; 64 * KIB] = [b'x'; 64 * KIB];

/// The maximum number of bytes that a client without pauses has sent and that are not yet answered. They keep the
/// server busy while this thread waits for a processor, and fit into the buffers, so that the server need not wait for
/// this client.
const WINDOW: usize = 2048 * KIB;

/// The length of the content that a client without pauses sends in one message, or in one request of a stream.
const SHORT: usize = 256;

impl Client {
    /// Exchanges one message with the server.
    ///
    /// # Errors
    /// Those of [`exchange`](Client::exchange).
    pub(crate) fn take_turn(&mut self) -> check::Result {
        self.exchange(&MESSAGE[..SHORT])
    }

    /// Sends more of a stream, unless much of it is unanswered, and reads what has come back without comparing it.
    /// Waits until one of the two is possible. Needs [`FILLABLE`](Capabilities::FILLABLE).
    ///
    /// # Errors
    /// A failure if the server closes the connection, or if a reply of a protocol other than echo is wrong; a timeout
    /// if nothing moves.
    pub(crate) fn stream_some(&mut self) -> check::Result {
        self.require_stream()?;
        let outgoing = self.next_outgoing();
        let step = self.step(outgoing)?;
        self.inbox.clear();
        if self.ended {
            return Err(self.closed());
        }
        self.require_progress(step, || "a stream sent back".into())
    }

    /// Sends more of a stream until much of it is unanswered, or nothing more can be sent now.
    ///
    /// # Errors
    /// A failure if the server closes the connection.
    pub(crate) fn fill_window(&mut self) -> check::Result {
        loop {
            let outgoing = self.next_outgoing();
            if !self.has_outgoing(outgoing) || !self.connection.poll(true, false, Duration::ZERO)?.writable {
                return Ok(());
            }
            self.move_bytes(outgoing, Ready { readable: false, writable: true })?;
        }
    }

    /// Returns the next bytes that a client without pauses writes unchanged. If the client has a protocol, queues a
    /// request instead.
    fn next_outgoing(&mut self) -> &'static [u8] {
        let unanswered = match &self.dialogue {
            Some(dialogue) => dialogue.codec.count_unanswered() * SHORT,
            None => self.connection.sent.saturating_sub(self.connection.received),
        };
        let room = WINDOW.saturating_sub(unanswered).min(MESSAGE.len());
        if self.dialogue.is_none() {
            return &MESSAGE[..room];
        }
        for _ in 0..room / SHORT {
            self.enqueue(&MESSAGE[..SHORT]);
        }
        &[]
    }

    /// Ends the client's direction, if the protocol allows that. Then reads until the connection ends or nothing has
    /// come for a while.
    pub(crate) fn stop_talking(&mut self) {
        if self.capabilities.contains(Capabilities::HALF_CLOSE) {
            let _ = self.shut_down_write();
        }
        while !self.ended {
            let quiet = self.deadlines.quiet();
            if !self.connection.poll(false, true, quiet).is_ok_and(|ready| ready.readable) {
                break;
            }
            if self.fill_inbox().is_err() {
                break;
            }
            self.inbox.clear();
        }
    }
}
