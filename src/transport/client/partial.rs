//! A request that is sent in two parts: between them the client is connected, and the server waits for it.

use super::Client;
use crate::check::{self, Finding};
use crate::outcome::Outcome;
use crate::trace::SENDS_HALF_A_REQUEST;

/// The description of any other part of a request in a trace of contents.
const PART: &str = "sends a part of a request";

impl Client {
    /// Sends the first half of a request and waits until the server has read it, as far as the system shows that.
    /// [`complete_request`](Client::complete_request) sends the rest. Works only over streams and with a protocol other
    /// than echo, because a request of echo has no halves.
    ///
    /// # Errors
    /// Those of [`send`](Client::send).
    pub(crate) fn begin_request(&mut self, content: &[u8]) -> check::Result {
        self.send_beginning(content, SENDS_HALF_A_REQUEST, |length| length / 2)?;
        self.await_half().map(drop)
    }

    /// Sends the bytes of a request before `offset`, at least one and not all, and waits until the server has read
    /// them. Returns the length of the whole request.
    ///
    /// # Errors
    /// Those of [`send`](Client::send).
    pub(crate) fn begin_request_up_to(&mut self, content: &[u8], offset: usize) -> check::Result<usize> {
        let length = self.send_beginning(content, PART, |length| offset.min(length.saturating_sub(1)))?;
        self.await_half()?;
        Ok(length)
    }

    /// Sends the first half of a request, and does not wait until the server has read it.
    ///
    /// # Errors
    /// Those of [`send`](Client::send).
    pub(crate) fn send_half(&mut self, content: &[u8]) -> check::Result {
        self.send_beginning(content, PART, |length| length / 2).map(drop)
    }

    /// Sends the first bytes of a request: as many as `part` returns for its length. Returns the length. `step` is the
    /// step's description in the trace of contents.
    fn send_beginning(
        &mut self,
        content: &[u8],
        step: &str,
        part: impl FnOnce(usize) -> usize,
    ) -> check::Result<usize> {
        if self.dialogue.as_ref().is_some_and(|dialogue| dialogue.only_greets()) {
            let reason = "the protocol has no request, so no client stays connected for sure";
            return Err(Finding::unsupported("", "").because(reason));
        }
        self.complete_opening()?;
        self.note_request(step);
        self.enqueue(content);
        let length = self.dialogue.as_mut().map_or(0, |dialogue| dialogue.codec.bytes_to_send().len());
        let end = self.connection.sent + part(length);
        while self.connection.sent < end {
            let left = end - self.connection.sent;
            let Some(dialogue) = &mut self.dialogue else { break };
            let bytes = dialogue.codec.bytes_to_send();
            let piece = bytes[..left.min(bytes.len())].to_vec();
            let wrote = self.write_piece(&piece)?;
            if let Some(dialogue) = &mut self.dialogue {
                dialogue.codec.mark_written(wrote);
            }
        }
        self.begun = Some(content.to_vec());
        Ok(length)
    }

    /// Waits until the server has read the first half of a request. Returns false if it leaves some of it unread, and
    /// true where the system does not show that.
    ///
    /// # Errors
    /// Only when interrupted.
    pub(crate) fn await_half(&self) -> check::Result<bool> {
        match self.await_read() {
            Err(Finding { outcome: Outcome::Unsupported | Outcome::Broken, .. }) => Ok(true),
            read => read,
        }
    }

    /// Sends the rest of the request that was begun, and verifies the reply. If no request was begun, exchanges
    /// `content`.
    ///
    /// # Errors
    /// Those of [`exchange`](Client::exchange).
    pub(crate) fn complete_request(&mut self, content: &[u8]) -> check::Result {
        match self.begun.take() {
            Some(begun) => self.expect(&begun),
            None => self.exchange(content),
        }
    }

    /// Whether the client has begun a request that is not complete.
    pub(crate) fn has_begun_request(&self) -> bool {
        self.begun.is_some()
    }
}
