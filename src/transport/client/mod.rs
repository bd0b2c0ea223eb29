//! The client of the checks: every step is bounded in time, verified, counted and traced.
//!
//! | file | what is in it |
//! |---|---|
//! | `connection` | the one place where bytes pass, each way |
//! | `dialogue` | a protocol other than echo, between the bytes of a check and those on the wire |
//! | `stream` | sending to and expecting from a byte stream |
//! | `messages` | the same where the mechanism keeps message boundaries |
//! | `awaited_bytes` | the bytes that a stream client still expects, compared as they arrive |
//! | `collect` | exchanges with a server that may buffer its output |
//! | `backpressure` | filling every buffer, and waiting until the server has read |
//! | `ahead` | requests that are sent before a reply can arrive |
//! | `partial` | a request that is sent in two parts |
//! | `pieces` | requests of a protocol that are sent in pieces |
//! | `raw` | bytes that are no request, and a record of all that is received |
//! | `talker` | talking without pause |
//! | `unread` | requests whose replies the client does not read |
//! | `scripted` | steps of scripts: other limits, parts of a stream, an awaited reset |
//! | `special` | urgent data, passed descriptors, resets |

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::{Capabilities, Link, Processes, Stopwatch};
use crate::check::{self, Finding, OrFinding};
use crate::deadline::Deadlines;
use crate::payload::KIB;
use crate::protocol::{Protocol, Tokens, Tolerance};
use crate::text::count_with_noun;

mod ahead;
mod awaited_bytes;
mod backpressure;
mod collect;
mod connection;
mod dialogue;
mod messages;
mod partial;
mod pieces;
mod raw;
mod scripted;
mod special;
mod stream;
mod talker;
#[cfg(test)]
mod tests;
mod unread;

use connection::{Connection, Ready};
use dialogue::Dialogue;
pub use messages::Message;
pub(super) use messages::enlarge_buffers;
pub(crate) use unread::Unread;

/// The maximum number of bytes that a client takes in one read from a stream.
const READ: usize = 256 * KIB;

/// The processor time after which a server that has made no progress meanwhile counts as hung.
const HANGS_AFTER: Duration = Duration::from_secs(1);

/// The time in which most servers answer. Only of a slower one does the client look at its processes.
const AT_ONCE: Duration = Duration::from_millis(100);

/// A client of a server, over a byte stream or over messages.
///
/// [`send`](Client::send), [`expect`](Client::expect), [`exchange`](Client::exchange) and
/// [`expect_eof`](Client::expect_eof) work over both. A method that needs more from the mechanism says which
/// [capability](Capabilities); without it, the method returns a *broken (harness)* finding.
///
/// No call blocks for longer than [`Deadlines::no_progress`] after the last byte moved, or for longer than
/// [`Deadlines::start`] before the first answer of a server that starts for this client. Time in which the server waits
/// for a processor does not count.
#[derive(Debug)]
pub struct Client {
    connection: Connection,
    /// The client's protocol, unless it is echo. With echo, content and bytes on the wire are the same.
    dialogue: Option<Box<Dialogue>>,
    capabilities: Capabilities,
    deadlines: Deadlines,
    hang_diagnosis: HangDiagnosis,
    processes: Processes,
    buffer: Box<[u8]>,
    /// Bytes received from a stream that no method has returned or verified yet.
    inbox: Vec<u8>,
    /// Whether the client has read the end of the server's direction of the stream.
    ended: bool,
    /// Bytes that the client has sent and whose echo the server may hold back until the client ends its direction.
    uncollected: Vec<Vec<u8>>,
    /// Whether the server may send no more bytes than it receives, if the client speaks no protocol.
    is_echo: bool,
    /// The content of the request that the client has begun: only its first part is sent.
    begun: Option<Vec<u8>>,
}

impl Client {
    /// Returns a client over `link`, whose server has these `capabilities`.
    pub(crate) fn new(link: Link, capabilities: Capabilities, deadlines: Deadlines) -> Client {
        let stream = capabilities.contains(Capabilities::STREAM);
        Client {
            connection: Connection::new(link, stream),
            dialogue: None,
            capabilities,
            deadlines,
            hang_diagnosis: HangDiagnosis::none(),
            processes: Processes::unknown(),
            buffer: vec![0; if stream { READ } else { messages::MAX_RECEIVED_MESSAGE }].into(),
            inbox: Vec::new(),
            ended: false,
            uncollected: Vec::new(),
            is_echo: true,
            begun: None,
        }
    }

    /// Returns a client of a byte stream that both sides can end.
    pub(crate) fn over_stream(link: Link, deadlines: Deadlines) -> Client {
        Client::new(link, Capabilities::STREAM.union(Capabilities::HALF_CLOSE), deadlines)
    }

    /// Makes the client speak `protocol`, with `tokens` that no other client uses.
    pub(crate) fn speaking(mut self, protocol: &Arc<Protocol>, tokens: Tokens) -> Client {
        if protocol.replies_equal_requests() {
            return self;
        }
        let pipelining = self.capabilities.contains(Capabilities::PIPELINES);
        let mut dialogue = Dialogue::new(protocol.clone(), tokens, pipelining);
        if !self.capabilities.contains(Capabilities::CLEAN_OUTPUT) {
            dialogue.codec.tolerate(Tolerance::Strays);
        }
        let requests_alone = self.capabilities.contains(Capabilities::ANSWERS_REQUESTS_ALONE);
        dialogue.codec.accept_answers_to_notifications(!requests_alone);
        self.connection.trace.speaks_protocol();
        Client { dialogue: Some(Box::new(dialogue)), ..self }
    }

    /// Returns the time without progress after which the server counts as hung. A server that is started for this
    /// client may still load its libraries until it has answered the first request.
    fn no_progress(&self) -> Duration {
        let is_launched = !self.capabilities.contains(Capabilities::MANY_CLIENTS);
        let loads = is_launched && self.dialogue.as_ref().is_some_and(|dialogue| !dialogue.has_answer);
        // A passed listener is ready before the server is.
        let passed = self.capabilities.contains(Capabilities::PASSED_LISTENER);
        if loads || passed && self.connection.received == 0 {
            self.deadlines.start()
        } else {
            self.deadlines.no_progress()
        }
    }

    /// Adds `diagnosis` to every finding of this client about a server that makes no progress.
    pub(crate) fn with_diagnosis(self, diagnosis: HangDiagnosis) -> Client {
        Client { hang_diagnosis: diagnosis, ..self }
    }

    /// Makes the client wait longer for a server that waits for a processor. `processes` lists those of the server.
    pub(crate) fn with_processes(self, processes: Processes) -> Client {
        Client { processes, ..self }
    }

    /// Sends all of `bytes`, as one message where the mechanism keeps boundaries. A stream client meanwhile keeps
    /// what it receives, for [`expect`](Client::expect).
    ///
    /// # Errors
    /// A failure if the server closes the connection, a timeout if it stops reading.
    pub fn send(&mut self, bytes: &[u8]) -> check::Result {
        if self.is_stream() { self.send_stream(bytes) } else { self.send_message(bytes) }
    }

    /// Sends several pieces of content, as far as possible in one write. Over a transport with messages, each piece is
    /// a message.
    ///
    /// # Errors
    /// Those of [`send`](Client::send).
    pub(crate) fn send_together(&mut self, pieces: &[&[u8]]) -> check::Result {
        if self.is_stream() {
            return self.send_stream_together(pieces);
        }
        pieces.iter().try_for_each(|piece| self.send_message(piece))
    }

    /// Waits until exactly `bytes` are received: in any number of pieces from a stream, else as one message.
    ///
    /// # Errors
    /// A failure at the first byte that differs, or if the stream or message ends early; a timeout if nothing
    /// moves any more.
    pub fn expect(&mut self, bytes: &[u8]) -> check::Result {
        if self.is_stream() { self.expect_stream(bytes) } else { self.expect_message(bytes).map(drop) }
    }

    /// Sends `bytes` and verifies their echo. Over a stream both happen at the same time, so that no buffer needs
    /// to hold all of them.
    ///
    /// # Errors
    /// Those of [`send`](Client::send) and [`expect`](Client::expect).
    pub fn exchange(&mut self, bytes: &[u8]) -> check::Result {
        if self.is_stream() { self.exchange_stream(bytes) } else { self.exchange_message(bytes).map(drop) }
    }

    /// Waits until the server ends its direction of the connection. Needs [`HALF_CLOSE`](Capabilities::HALF_CLOSE).
    ///
    /// # Errors
    /// A failure if anything else is received or the connection is reset, a timeout if it stays open.
    pub fn expect_eof(&mut self) -> check::Result {
        if self.is_stream() { self.expect_end_of_stream() } else { self.expect_end_of_messages() }
    }

    /// Ends the client's direction of the connection with shutdown(2): the server reads end of file, and can still
    /// send.
    ///
    /// # Errors
    /// A broken harness if the system refuses.
    pub fn shut_down_write(&mut self) -> check::Result {
        self.connection.shut_down_write().or_broken("a half-closed connection")
    }

    /// Whether the client can receive anything (a byte, a message, the end) within `limit`. It receives nothing yet.
    ///
    /// # Errors
    /// Only when interrupted.
    pub fn readable_within(&mut self, limit: Duration) -> check::Result<bool> {
        if !self.inbox.is_empty() || self.ended {
            return Ok(true);
        }
        Ok(self.connection.poll(false, true, limit)?.readable)
    }

    /// Whether the client can receive anything within `limit`, or later if the server could not run in that time.
    ///
    /// # Errors
    /// Only when interrupted.
    pub(crate) fn is_answered_within(&mut self, limit: Duration) -> check::Result<bool> {
        if self.readable_within(limit)? {
            return Ok(true);
        }
        self.await_reaction()?;
        self.readable_within(Duration::ZERO)
    }

    /// Waits until the server has had the processor time to react to what was sent.
    pub(crate) fn await_reaction(&self) -> check::Result {
        self.processes.await_reaction(self.deadlines)
    }

    /// Waits until the connection is ready, or the server has made no progress for `limit`. Time in which the server
    /// waited for a processor does not count.
    fn poll_for_progress(&self, writing: bool, reading: bool, limit: Duration) -> check::Result<Ready> {
        let ready = self.connection.poll(writing, reading, limit.min(AT_ONCE))?;
        if ready.readable || ready.writable {
            return Ok(ready);
        }
        let mut stopwatch = Stopwatch::start(self.processes.clone(), self.deadlines);
        let ready = stopwatch.wait_within(limit.saturating_sub(AT_ONCE), |left| {
            let ready = self.connection.poll(writing, reading, left)?;
            Ok((ready.readable || ready.writable).then_some(ready))
        })?;
        if let Some(ready) = ready {
            return Ok(ready);
        }
        self.processes.await_work(HANGS_AFTER, self.deadlines)?;
        self.connection.poll(writing, reading, Duration::ZERO)
    }

    /// Whether the server has ended its direction of a stream, as far as the client has read.
    #[must_use]
    pub(crate) fn has_ended(&self) -> bool {
        self.ended
    }

    /// Returns the link that the client reads from and writes to.
    #[must_use]
    pub(crate) fn link(&self) -> &Link {
        &self.connection.link
    }

    /// Returns the descriptor of the client's link to poll for input.
    #[must_use]
    pub(crate) fn input_descriptor(&self) -> std::os::fd::BorrowedFd<'_> {
        self.connection.link.input_descriptor()
    }

    /// Returns the client's own IP address and port.
    ///
    /// # Errors
    /// A broken harness if it has none.
    pub fn local_address(&self) -> check::Result<SocketAddr> {
        self.connection
            .local_address()
            .ok_or_else(|| Finding::broken("the client's address", "getsockname(2) gave none"))
    }

    /// Returns the number of bytes that the client has sent.
    #[must_use]
    pub(crate) fn sent(&self) -> usize {
        self.connection.sent
    }

    /// Returns the number of bytes that the client has received, expected or not.
    #[must_use]
    pub(crate) fn received(&self) -> usize {
        self.connection.received
    }

    /// Describes how much the client has sent and received so far.
    #[must_use]
    pub(crate) fn describe_traffic(&self) -> String {
        let Connection { sent, received, .. } = &self.connection;
        format!("{} sent, {} came back", count_with_noun(*sent, "byte"), count_with_noun(*received, "byte"))
    }

    fn is_stream(&self) -> bool {
        self.capabilities.contains(Capabilities::STREAM)
    }

    /// Whether the client's protocol has requests, and no reply to any of them.
    pub(crate) fn never_answers(&self) -> bool {
        self.dialogue.as_ref().is_some_and(|dialogue| dialogue.never_answers())
    }

    fn require_stream(&self) -> check::Result {
        let broken =
            || Finding::broken("a client of a byte stream", "this transport keeps message boundaries");
        if self.is_stream() { Ok(()) } else { Err(broken()) }
    }

    fn require_messages(&self) -> check::Result {
        let broken = || Finding::broken("a client of messages", "this transport is a byte stream");
        if self.is_stream() { Err(broken()) } else { Ok(()) }
    }
}

/// A function that describes what a server is doing when it makes no progress. It is called at that moment, because the
/// end of the client would change the answer.
pub(crate) struct HangDiagnosis(pub Box<dyn Fn() -> String + Send>);

impl HangDiagnosis {
    /// Returns a diagnosis that adds nothing to a finding.
    pub fn none() -> HangDiagnosis {
        HangDiagnosis(Box::new(String::new))
    }
}

impl std::fmt::Debug for HangDiagnosis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HangDiagnosis")
    }
}
