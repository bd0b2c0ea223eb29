//! Requests that are sent in pieces, over a byte stream. A protocol other than echo is needed
//! ([`REQUESTS`](crate::transport::Capabilities::REQUESTS)).

use std::io::IsTerminal;
use std::os::fd::AsFd;
use std::time::Duration;

use super::Client;
use super::connection::is_transient;
use super::dialogue::Dialogue;
use crate::check::{self, Finding};
use crate::protocol::Request;
use crate::sys;
use crate::trace::{Action, TransferDirection};
use crate::transport::Capabilities;

impl Client {
    /// Receives the greeting, and completes the exchanges that begin a connection, if the protocol has any.
    ///
    /// # Errors
    /// Those of [`exchange`](Client::exchange).
    pub(crate) fn complete_opening(&mut self) -> check::Result {
        while self.dialogue.as_ref().is_some_and(|dialogue| dialogue.codec.count_unanswered() > 0) {
            let step = self.step(&[])?;
            self.require_progress(step, || "the greeting, and replies to the first requests".into())?;
        }
        Ok(())
    }

    /// Makes the client send requests before earlier ones are answered, whether or not the server is known to allow
    /// that.
    #[must_use]
    pub(crate) fn pipelining(mut self) -> Client {
        self.dialogue = self.dialogue.map(|dialogue| Box::new(dialogue.pipelining(true)));
        self
    }

    /// Returns the client for another check: without [`pipelining`](Client::pipelining) and
    /// [`accepting_answers_to_notifications`](Client::accepting_answers_to_notifications) of its own, and with the trace of
    /// the calling thread.
    #[must_use]
    pub(crate) fn for_another_check(mut self) -> Client {
        self.connection.trace.goes_on();
        let has = |capability| self.capabilities.contains(capability);
        let (pipelines, strict) = (has(Capabilities::PIPELINES), has(Capabilities::ANSWERS_REQUESTS_ALONE));
        self.dialogue = self.dialogue.map(|dialogue| Box::new(dialogue.pipelining(pipelines)));
        self.accepting_answers_to_notifications(!strict)
    }

    /// Queues a request of the protocol's turn number `turn` that carries `content`, and returns the request. Once it
    /// is answered, [`expect`](Client::expect) returns for `content`. Nothing is sent yet.
    ///
    /// # Errors
    /// Unsupported if the protocol has no such turn.
    pub(crate) fn queue_request(&mut self, turn: usize, content: &[u8]) -> check::Result<Request> {
        let is_usual = self.dialogue()?.codec.sends_content_as(turn, content);
        if is_usual {
            self.connection.trace.content(TransferDirection::Sent, content);
        } else {
            self.note_special_request();
        }
        self.dialogue()?.queue_request(turn, content)
    }

    /// Sends at most the next `length` bytes of the client's queued requests.
    ///
    /// # Errors
    /// Those of [`send`](Client::send).
    pub(crate) fn send_piece(&mut self, length: usize) -> check::Result {
        self.note_request("sends a part of a request");
        let mut rest = length;
        while rest > 0 {
            let outgoing = self.dialogue()?.codec.bytes_to_send();
            let piece = outgoing[..outgoing.len().min(rest)].to_vec();
            if piece.is_empty() {
                break;
            }
            let ready = self.poll_for_progress(true, false, self.no_progress())?;
            if !ready.writable {
                return Err(Finding::timeout(
                    "a piece of a request read by the server",
                    self.describe_traffic(),
                ));
            }
            match self.connection.write(&piece) {
                Ok(written) => {
                    self.dialogue()?.codec.mark_written(written);
                    rest -= written;
                }
                Err(error) if is_transient(&error) => {}
                Err(error) => return Err(self.lost(&error)),
            }
        }
        Ok(())
    }

    /// Sends all queued requests of the client to their end.
    ///
    /// # Errors
    /// Those of [`send`](Client::send).
    pub(crate) fn send_rest(&mut self) -> check::Result {
        self.send(&[])
    }

    /// Returns the time that has passed since the client began its last write.
    #[must_use]
    pub(crate) fn time_since_write(&self) -> Duration {
        self.connection.last_write.elapsed()
    }

    /// Receives and verifies replies until nothing has arrived for `quiet`.
    ///
    /// # Errors
    /// A failure if a reply is wrong, or if no request asked for it.
    pub(crate) fn receive_replies(&mut self, quiet: Duration) -> check::Result {
        while self.receive_some(quiet)? {}
        Ok(())
    }

    /// Receives replies until nothing has arrived for `quiet`, and the server has had the processor time to send more.
    /// The silence begins once the server has reacted to what it was sent, so that a timer which it sets then ends in it.
    ///
    /// # Errors
    /// A failure if bytes arrive that no request asked for, or the connection is lost.
    pub(crate) fn receive_all_sent(&mut self, quiet: Duration) -> check::Result {
        self.await_reaction()?;
        self.receive_replies(quiet)?;
        self.await_reaction()?;
        self.receive_replies(Duration::ZERO)
    }

    /// Whether the server began a reply before all of its request was sent.
    #[must_use]
    pub(crate) fn was_answered_early(&self) -> bool {
        self.dialogue.as_ref().is_some_and(|dialogue| dialogue.early)
    }

    /// Whether a reply has announced that the server closes the connection after it, so that the client needs another
    /// connection for its next request.
    #[must_use]
    pub(crate) fn must_reconnect(&self) -> bool {
        self.dialogue.as_ref().is_some_and(|dialogue| dialogue.codec.closing_reply().is_some())
    }

    /// Returns the status of the last reply, if it was an HTTP response.
    #[must_use]
    pub(crate) fn last_status(&self) -> Option<u16> {
        self.dialogue.as_ref().and_then(|dialogue| dialogue.status)
    }

    /// Whether the server's kernel has received everything that the client has sent. For a Unix domain socket, a
    /// pipe or a terminal, whether the server has read it. True if this system does not report that.
    #[must_use]
    pub(crate) fn is_delivered(&self) -> bool {
        let link = &self.connection.link;
        match (link.as_socket(), link.output_descriptor()) {
            (Some(socket), _) => {
                sys::unacknowledged_bytes(socket.as_fd()).unwrap_or(0) == 0 || self.has_arrived()
            }
            (None, Some(master)) if master.is_terminal() => {
                sys::is_all_read_from_terminal(master).unwrap_or(true)
            }
            // Linux reports for both ends of a pipe how many bytes it holds: pipe(7), FIONREAD.
            (None, Some(pipe)) => rustix::io::ioctl_fionread(pipe).unwrap_or(0) == 0,
            (None, None) => true,
        }
    }

    /// Whether the server's kernel holds everything that the client has sent over TCP, as that kernel tells it. A server that
    /// does not reply acknowledges what it received only after 40 ms.
    fn has_arrived(&self) -> bool {
        let in_flight = self.ends().map(|(ours, peer)| sys::tcp_bytes_in_flight(ours, peer));
        matches!(in_flight, Some(Ok(Some(0))))
    }

    /// Records that the client sends a request that is not the next one of the protocol.
    pub(super) fn note_special_request(&self) {
        self.note_request("sends a request of its choice");
    }

    /// Records a step in the trace of contents, if the client speaks a protocol.
    pub(super) fn note_request(&self, step: &str) {
        if self.dialogue.is_some() {
            self.connection.trace.note_content(Action::Other(step.into()));
        }
    }

    pub(super) fn dialogue(&mut self) -> check::Result<&mut Dialogue> {
        let missing = || Finding::broken("a protocol with requests", "the protocol is echo");
        self.dialogue.as_deref_mut().ok_or_else(missing)
    }
}
