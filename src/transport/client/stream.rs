//! Sending to, and expecting from, a byte stream.

use std::io;
use std::time::Duration;

use super::awaited_bytes::AwaitedBytes;
use super::connection::{Ready, is_transient};
use super::{Client, READ};
use crate::check::{self, Finding};
use crate::outcome::Outcome;
use crate::text::{count_with_noun, excerpt};
use crate::trace::{Action, TransferDirection};

/// The progress that a stream client made in one step of an exchange.
#[derive(Debug, Clone, Copy)]
pub(super) struct ExchangeStep {
    /// The number of bytes that the client wrote in this step.
    pub wrote: usize,
    /// Whether either direction of the connection became ready in time.
    pub moved: bool,
}

impl Client {
    pub(super) fn send_stream(&mut self, bytes: &[u8]) -> check::Result {
        let mut rest = self.enqueue(bytes);
        while !self.is_all_sent(rest) {
            let step = self.step(rest)?;
            self.require_progress(step, || {
                format!("{} read by the server", count_with_noun(bytes.len(), "byte"))
            })?;
            rest = &rest[step.wrote..];
        }
        Ok(())
    }

    pub(super) fn send_stream_together(&mut self, pieces: &[&[u8]]) -> check::Result {
        if self.dialogue.is_none() {
            return self.send_stream(&pieces.concat());
        }
        for piece in pieces {
            self.enqueue(piece);
        }
        self.send_stream(&[])
    }

    /// Returns everything that the client receives from now until the stream ends or is silent for `quiet`.
    ///
    /// # Errors
    /// A failure if the connection is reset.
    pub fn receive_until_quiet(&mut self, quiet: Duration) -> check::Result<Vec<u8>> {
        while self.receive_some(quiet)? {}
        Ok(std::mem::take(&mut self.inbox))
    }

    /// Receives what arrives within `limit`, and answers the server's own requests, if the protocol has any. Returns
    /// false if nothing arrived.
    pub(super) fn receive_some(&mut self, limit: Duration) -> check::Result<bool> {
        if self.ended {
            return Ok(false);
        }
        let answering = self.dialogue.as_ref().is_some_and(|dialogue| dialogue.codec.must_answer());
        let ready = self.connection.poll(answering, true, limit)?;
        self.move_bytes(&[], ready).map(|step| step.moved)
    }

    /// Returns what the client has received from a stream and no method has returned, without waiting for more.
    pub(crate) fn take_received(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.inbox)
    }

    pub(super) fn exchange_stream(&mut self, bytes: &[u8]) -> check::Result {
        self.run_exchange(bytes, AwaitedBytes::of(bytes), None)?;
        if self.never_answers() { self.expect_read() } else { Ok(()) }
    }

    /// Exchanges a message on a connection that stays open. Returns false if the server has closed the connection
    /// instead, and the client had sent nothing for the deadline of a reply or longer. On a busy machine a client may
    /// come late, and a server may close a connection that is idle for long (RFC 9112 §9.5). An echo server may not.
    ///
    /// # Errors
    /// Those of [`exchange`](Client::exchange).
    pub(crate) fn exchange_unless_idle(&mut self, content: &[u8]) -> check::Result<bool> {
        let was_idle = self.connection.last_write.elapsed() >= self.deadlines.reply();
        let received = self.connection.received;
        match self.exchange(content) {
            Err(finding)
                if was_idle
                    && self.dialogue.is_some()
                    && finding.outcome == Outcome::Fail
                    && self.connection.received == received =>
            {
                Ok(false)
            }
            exchanged => exchanged.map(|()| true),
        }
    }

    /// Waits until the server has read everything that the client has sent. For a server that answers nothing, this is
    /// the only visible effect.
    fn expect_read(&self) -> check::Result {
        if self.await_read()? {
            return Ok(());
        }
        let waited = self.no_progress().as_secs_f64();
        let wanted = format!("{} read by the server", count_with_noun(self.connection.sent, "byte"));
        let finding = Finding::timeout(wanted, format!("some of them are still unread after {waited} s"));
        Err(finding.because((self.hang_diagnosis.0)()))
    }

    pub(super) fn expect_stream(&mut self, bytes: &[u8]) -> check::Result {
        self.run_exchange(&[], AwaitedBytes::of(bytes), None).map(drop)
    }

    /// Sends `outgoing` and waits for the `expected` bytes. Once all is sent, gives up without an error after a silence
    /// of `quiet`, if that is given. Returns how many of the expected bytes were received.
    pub(super) fn run_exchange(
        &mut self,
        outgoing: &[u8],
        mut expected: AwaitedBytes<'_>,
        quiet: Option<Duration>,
    ) -> check::Result<usize> {
        let mut outgoing = self.enqueue(outgoing);
        while !expected.is_met_by(&mut self.inbox)? || !self.is_all_sent(outgoing) {
            if let Some(quiet) = quiet.filter(|_| self.is_all_sent(outgoing))
                && !self.is_answered_within(quiet)?
            {
                break;
            }
            self.require_open(&expected)?;
            let step = self.step(outgoing)?;
            self.require_progress(step, || self.describe_awaited(&expected))?;
            outgoing = &outgoing[step.wrote..];
        }
        Ok(expected.received())
    }

    /// Queues `content` with the client's protocol. With echo, which has no protocol object, returns `content`, to be
    /// written unchanged.
    pub(super) fn enqueue<'a>(&mut self, content: &'a [u8]) -> &'a [u8] {
        match &mut self.dialogue {
            Some(dialogue) if !content.is_empty() => {
                self.connection.trace.content(TransferDirection::Sent, content);
                dialogue.codec.queue_content(content);
                &[]
            }
            _ => content,
        }
    }

    pub(super) fn is_all_sent(&self, outgoing: &[u8]) -> bool {
        outgoing.is_empty() && self.dialogue.as_ref().is_none_or(|dialogue| dialogue.codec.all_written())
    }

    /// Whether the client has bytes to write now. A protocol may have to wait for a reply first.
    pub(super) fn has_outgoing(&mut self, outgoing: &[u8]) -> bool {
        match &mut self.dialogue {
            Some(dialogue) => !dialogue.codec.bytes_to_send().is_empty(),
            None => !outgoing.is_empty(),
        }
    }

    pub(super) fn expect_end_of_stream(&mut self) -> check::Result {
        loop {
            if !self.inbox.is_empty() {
                let finding = Finding::fail("end of file, and nothing more", excerpt(&self.inbox));
                return Err(finding.about_echo());
            }
            if self.ended {
                return Ok(());
            }
            let step = self.step(&[])?;
            self.require_progress(step, || "end of file".into())?;
        }
    }

    /// Reads to the end of the stream, and returns everything that no method has returned before. Needs
    /// [`STREAM`](crate::transport::Capabilities::STREAM).
    ///
    /// # Errors
    /// A failure if the connection is reset, or if more is received than was sent and 256 KiB; a timeout if it
    /// stays open.
    pub fn read_to_end(&mut self) -> check::Result<Vec<u8>> {
        self.require_stream()?;
        while !self.ended {
            let step = self.step(&[])?;
            self.require_progress(step, || "end of file".into())?;
        }
        Ok(std::mem::take(&mut self.inbox))
    }

    pub(super) fn require_progress(
        &self,
        step: ExchangeStep,
        wanted: impl FnOnce() -> String,
    ) -> check::Result {
        if step.moved {
            return Ok(());
        }
        if let Some(closed) = self.closed_as_announced() {
            return Err(closed);
        }
        let waited = self.no_progress().as_secs_f64();
        let actual = format!("{}, then nothing for {waited} s", self.describe_traffic());
        let wanted = wanted();
        self.connection.trace.note(Action::InVain(wanted.clone()));
        Err(Finding::timeout(wanted, actual).about_echo().because((self.hang_diagnosis.0)()))
    }

    fn require_open(&self, expected: &AwaitedBytes<'_>) -> check::Result {
        if !self.ended {
            return Ok(());
        }
        let actual = format!("end of file after {}", self.describe_traffic());
        let finding = || Finding::fail(self.describe_awaited(expected), actual).about_echo();
        Err(self.closed_as_announced().unwrap_or_else(finding))
    }

    /// Returns a description of what the client expects. A reply that does not repeat its request has no content.
    fn describe_awaited(&self, expected: &AwaitedBytes<'_>) -> String {
        match &self.dialogue {
            Some(dialogue) if !dialogue.repeats_content() => "a reply to each request".into(),
            _ => expected.description(),
        }
    }

    pub(super) fn step(&mut self, outgoing: &[u8]) -> check::Result<ExchangeStep> {
        let limit = self.no_progress();
        let writing = self.has_outgoing(outgoing);
        let ready = self.poll_for_progress(writing, !self.ended, limit)?;
        self.move_bytes(outgoing, ready)
    }

    pub(super) fn move_bytes(&mut self, outgoing: &[u8], ready: Ready) -> check::Result<ExchangeStep> {
        let mut step = ExchangeStep { wrote: 0, moved: ready.readable || ready.writable };
        if ready.readable {
            self.fill_inbox()?;
        }
        if ready.writable {
            step.wrote = self.write_some(outgoing)?;
        }
        Ok(step)
    }

    pub(super) fn fill_inbox(&mut self) -> check::Result {
        self.receive_at_most(READ)
    }

    /// Receives at most `limit` bytes from the stream without waiting.
    pub(super) fn receive_at_most(&mut self, limit: usize) -> check::Result {
        // An echo returns no more than was sent: a server that sends without end must not fill our memory.
        if self.is_echo && self.dialogue.is_none() && self.connection.received > self.connection.sent + READ {
            let excess = self.inbox.len().saturating_sub(24);
            let actual =
                format!("{}, the last of them {}", self.describe_traffic(), excerpt(&self.inbox[excess..]));
            return Err(Finding::fail("no more bytes than were sent", actual).about_echo());
        }
        let limit = limit.min(self.buffer.len());
        match self.connection.read(&mut self.buffer[..limit]) {
            Ok(piece) => {
                self.ended = piece.length == 0;
                let bytes = &self.buffer[..piece.length];
                let trace = &self.connection.trace;
                match &mut self.dialogue {
                    Some(dialogue) => {
                        let content = dialogue.receive(bytes);
                        let content =
                            content.inspect_err(|_| trace.note_content(Action::InVain("a reply".into())))?;
                        trace.content(TransferDirection::Received, &content);
                        if self.ended {
                            trace.note_content(Action::ReceivesEnd);
                        }
                        self.inbox.extend(content);
                    }
                    None => self.inbox.extend_from_slice(bytes),
                }
                Ok(())
            }
            Err(error) if is_transient(&error) => Ok(()),
            Err(error) => Err(self.lost(&error)),
        }
    }

    /// Waits until a part of `bytes` is written to the stream, and returns the part's length.
    pub(super) fn write_piece(&mut self, bytes: &[u8]) -> check::Result<usize> {
        let limit = self.no_progress();
        if !self.poll_for_progress(true, false, limit)?.writable {
            return Err(Finding::timeout("room for a part of a request", "the server reads nothing"));
        }
        match self.connection.write(bytes) {
            Err(error) if is_transient(&error) => Ok(0),
            written => written.map_err(|error| self.lost(&error)),
        }
    }

    pub(super) fn write_some(&mut self, outgoing: &[u8]) -> check::Result<usize> {
        let bytes = self.dialogue.as_mut().map_or(outgoing, |dialogue| dialogue.codec.bytes_to_send());
        match self.connection.write(bytes) {
            Err(error) if is_transient(&error) => Ok(0),
            Err(error) => Err(self.lost(&error)),
            Ok(written) => Ok(match &mut self.dialogue {
                Some(dialogue) => {
                    dialogue.codec.mark_written(written);
                    let content = dialogue.answered_content();
                    self.connection.trace.content(TransferDirection::Received, &content);
                    self.inbox.extend(content);
                    0
                }
                None => written,
            }),
        }
    }

    /// Returns the finding that the server has ended its direction of the connection before the conversation was over.
    pub(super) fn closed(&self) -> Finding {
        let actual = || format!("end of file after {}", self.describe_traffic());
        self.closed_as_announced().unwrap_or_else(|| Finding::fail("an open conversation", actual()))
    }

    fn closed_as_announced(&self) -> Option<Finding> {
        self.dialogue.as_ref().and_then(|dialogue| dialogue.closed_as_announced())
    }

    pub(super) fn lost(&self, error: &io::Error) -> Finding {
        self.connection.trace.note(Action::Other(format!("is told: {error}")));
        if let Some(closed) = self.closed_as_announced() {
            return closed;
        }
        let what = match error.kind() {
            io::ErrorKind::ConnectionReset => "the connection was reset".into(),
            io::ErrorKind::BrokenPipe => "the server had closed it".into(),
            _ => error.to_string(),
        };
        Finding::fail("an open conversation", format!("{what} after {}", self.describe_traffic()))
            .about_echo()
    }
}
