//! Bytes that are no request of the protocol, and a record of everything that the server sends.

use std::time::Duration;

use super::Client;
use super::connection::{Ready, is_transient};
use super::stream::ExchangeStep;
use crate::check::{self, Finding};
use crate::protocol::{Request, Tolerance, Turn};

impl Client {
    /// Sends bytes that are no request of the protocol, as one message where the mechanism keeps boundaries. Stops without
    /// an error where the server closes the connection.
    ///
    /// # Errors
    /// A timeout if the server neither reads nor closes.
    pub(crate) fn send_unusable(&mut self, bytes: &[u8]) -> check::Result {
        let mut sent = 0;
        loop {
            if !self.poll_for_progress(true, false, self.no_progress())?.writable {
                return Err(Finding::timeout("a server that reads or closes", self.describe_traffic()));
            }
            match self.connection.write(&bytes[sent..]) {
                Ok(written) => sent += written,
                Err(error) if is_transient(&error) => {}
                Err(_) => return Ok(()),
            }
            if sent == bytes.len() {
                return Ok(());
            }
        }
    }

    /// Makes the client keep everything that it receives from now on, for [`recorded`](Client::recorded).
    pub(crate) fn record(&mut self) {
        self.connection.record.get_or_insert_default();
    }

    /// Returns everything that the client has received since [`record`](Client::record) was called.
    #[must_use]
    pub(crate) fn recorded(&self) -> &[u8] {
        self.connection.record.as_deref().unwrap_or_default()
    }

    /// Makes the client accept more than the replies that are due, if its protocol is one of JSON.
    #[must_use]
    pub(crate) fn with_tolerance(mut self, tolerance: Tolerance) -> Client {
        if let Some(dialogue) = &mut self.dialogue {
            dialogue.codec.tolerate(tolerance);
        }
        self
    }

    /// Sets whether the client accepts answers to its notifications, if its protocol is one of JSON.
    #[must_use]
    pub(crate) fn accepting_answers_to_notifications(mut self, accepts: bool) -> Client {
        if let Some(dialogue) = &mut self.dialogue {
            dialogue.codec.accept_answers_to_notifications(accepts);
        }
        self
    }

    /// Returns how many answers to notifications the client has accepted.
    #[must_use]
    pub(crate) fn answered_notifications(&self) -> u64 {
        self.dialogue.as_ref().map_or(0, |dialogue| dialogue.codec.answered_notifications())
    }

    /// Returns the first received bytes that are no message of the protocol, if the client tolerates them.
    #[must_use]
    pub(crate) fn strays(&self) -> &[u8] {
        self.dialogue.as_ref().map_or(&[], |dialogue| dialogue.codec.strays())
    }

    /// Makes the client leave the server's own requests unanswered.
    #[must_use]
    pub(crate) fn withholding_answers(mut self) -> Client {
        if let Some(dialogue) = &mut self.dialogue {
            dialogue.codec.withhold_answers();
        }
        self
    }

    /// Whether the server has sent the client requests of its own.
    #[must_use]
    pub(crate) fn was_asked(&self) -> bool {
        self.dialogue.as_ref().is_some_and(|dialogue| dialogue.codec.request_count_of_server() > 0)
    }

    /// Returns the number of the client's requests that are not yet answered.
    #[must_use]
    pub(crate) fn unanswered(&self) -> usize {
        self.dialogue.as_ref().map_or(0, |dialogue| dialogue.codec.count_unanswered())
    }

    /// Sends requests of the protocol's turn number `turn` without reading, until `most` are sent or the server takes
    /// no more. Completes the last request. Returns the number of requests.
    ///
    /// # Errors
    /// Those of [`send`](Client::send).
    pub(crate) fn fill_with_requests(&mut self, turn: usize, most: usize) -> check::Result<usize> {
        let quiet = self.deadlines.quiet();
        for number in 1..=most {
            self.queue_request(turn, b"full")?;
            while self.has_outgoing(&[]) {
                if !self.has_room_within(quiet)? {
                    self.finish_request()?;
                    return Ok(number);
                }
                self.move_bytes(&[], Ready { readable: false, writable: true })?;
            }
        }
        Ok(most)
    }

    /// Whether the connection has room for more bytes within `limit`, or later if the server could not run in that time.
    fn has_room_within(&self, limit: Duration) -> check::Result<bool> {
        if self.connection.poll(true, false, limit)?.writable {
            return Ok(true);
        }
        self.await_reaction()?;
        Ok(self.connection.poll(true, false, Duration::ZERO)?.writable)
    }

    /// Sends the rest of the last request, and reads only as much as the server needs to accept it.
    fn finish_request(&mut self) -> check::Result {
        const LITTLE: usize = 512;
        // poll(2) reports a Unix socket as writable only once most of its buffer is free; a short request fits before.
        self.move_bytes(&[], Ready { readable: false, writable: true })?;
        while self.has_outgoing(&[]) {
            let ready = self.poll_for_progress(true, !self.ended, self.no_progress())?;
            let step = ExchangeStep { wrote: 0, moved: ready.readable || ready.writable };
            self.require_progress(step, || "a request read by the server".into())?;
            if ready.writable {
                self.move_bytes(&[], Ready { readable: false, writable: true })?;
            } else if ready.readable {
                self.receive_at_most(LITTLE)?;
            }
        }
        Ok(())
    }

    /// Exchanges one message of `turn`, which need not be among the turns that the protocol repeats.
    ///
    /// # Errors
    /// Those of [`exchange`](Client::exchange).
    pub(crate) fn ask(&mut self, turn: &Turn) -> check::Result {
        self.note_special_request();
        self.dialogue()?.queue_turn(turn, b"asked");
        self.send_rest()?;
        self.expect(b"asked")
    }

    /// Exchanges one message of `turn`, in the form that `write` gives to its request.
    ///
    /// # Errors
    /// Those of [`exchange`](Client::exchange).
    pub(crate) fn ask_written(
        &mut self,
        turn: &Turn,
        write: impl FnOnce(&Request) -> Vec<u8>,
    ) -> check::Result {
        self.note_special_request();
        self.dialogue()?.queue_written(turn, b"asked", write);
        self.send_rest()?;
        self.expect(b"asked")
    }

    /// Returns a request of `turn` that the client has not queued, so that it awaits no reply.
    ///
    /// # Errors
    /// Broken if the protocol is echo.
    pub(crate) fn new_request(&mut self, turn: &Turn) -> check::Result<Request> {
        let token = self.dialogue()?.codec.next_token();
        Ok(turn.new_request(token, Some(b"asked"[..].into())))
    }

    /// Makes the client accept a message that the end of the stream cuts off. [`cut_bytes`](Client::cut_bytes) reports
    /// it, and there is no error.
    #[must_use]
    pub(crate) fn with_tolerance_of_cut(mut self) -> Client {
        if let Some(dialogue) = &mut self.dialogue {
            dialogue.codec.tolerate_cut();
        }
        self
    }

    /// Returns the number of bytes of an unfinished message at the end of the stream.
    #[must_use]
    pub(crate) fn cut_bytes(&self) -> u64 {
        self.dialogue.as_ref().map_or(0, |dialogue| dialogue.codec.partial_reply_length())
    }

    /// Receives until the server ends its direction, or nothing moves any more.
    ///
    /// # Errors
    /// A failure if a reply is wrong, a timeout if the stream does not end.
    pub(crate) fn receive_to_end(&mut self) -> check::Result {
        while !self.ended {
            let step = self.step(&[])?;
            self.require_progress(step, || "end of file".into())?;
        }
        Ok(())
    }

    /// Sends `bytes`, which are no request of the protocol, unchanged. All earlier requests must have been sent to
    /// their end.
    ///
    /// # Errors
    /// Those of [`send`](Client::send).
    pub(crate) fn send_raw(&mut self, bytes: &[u8]) -> check::Result {
        self.send_rest()?;
        self.note_special_request();
        let mut rest = bytes;
        while !rest.is_empty() {
            let limit = self.no_progress();
            let ready = self.poll_for_progress(true, !self.ended, limit)?;
            if ready.readable {
                self.fill_inbox()?;
            }
            if ready.writable {
                let written = self.write_piece(rest)?;
                rest = &rest[written..];
            }
            let step = ExchangeStep { wrote: 0, moved: ready.readable || ready.writable };
            self.require_progress(step, || "bytes read by the server".into())?;
        }
        Ok(())
    }
}
