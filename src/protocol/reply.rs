//! The reply that a request asks for, and a matcher for it.

use std::sync::Arc;

use super::http::{HttpMatcher, StatusRule};
use super::json::{Envelope, JsonMatcher, JsonReply};
use super::mismatch::Mismatch;
use super::number::{LengthDecoder, LengthFormat};
use super::pattern::{ExpectedBytes, MAX_EXPECTED_BYTES, Pattern, PatternMatcher, PatternProgress};
use super::template::Template;

/// The maximum length of a reply in bytes.
const LONGEST_REPLY: u64 = 1 << 30;

/// The number of matched bytes that a matcher remembers for a report.
const REMEMBERED: usize = 24;

/// The rule that finds the end of a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReplyEndRule {
    /// The reply has no end, because the server sends no reply.
    Nothing,
    /// The reply ends where the pattern first matches.
    Pattern,
    /// The head of an HTTP/1.1 response determines where the reply ends.
    Http(StatusRule),
    /// The reply ends when the server closes the connection.
    End,
    /// A length at offset `at` in the reply says how many bytes follow the length.
    Length { number: LengthFormat, at: usize },
    /// A length precedes the reply and says where it ends. The length is no part of the pattern.
    Prefix(LengthFormat),
    /// The reply is one JSON message, whose framing says where it ends.
    Json(Envelope),
}

/// A reply as the protocol file describes it, before the token and payload of an exchange are filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ReplyTemplate {
    pub(super) template: Template,
    pub(super) frame: ReplyEndRule,
}

/// The reply that a server must send to one request.
#[derive(Debug, Clone)]
pub struct ExpectedReply {
    pub(super) pattern: Arc<Pattern>,
    pub(super) frame: ReplyEndRule,
    /// Whether the request was HEAD, so that the response has no body.
    pub(super) head_request: bool,
    /// The expected reply as JSON, if the protocol is one of JSON.
    pub(super) json: Option<Arc<JsonReply>>,
}

/// A complete reply that a server sent: its length, status and bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The length of the reply in bytes.
    pub length: u64,
    /// The status code, if the reply is an HTTP response.
    pub status: Option<u16>,
    /// Whether the reply says that the server closes the connection, or its end is the connection's end.
    pub closes: bool,
    /// The bytes of the reply, as far as [`ReplyMatcher::keep_bytes`] asked for them.
    pub bytes: Vec<u8>,
}

/// The result of giving bytes to a [`ReplyMatcher`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReplyProgress {
    /// All bytes given to the matcher belong to the reply, which is not yet complete.
    NeedMore,
    /// The bytes given to the matcher complete the reply.
    Complete {
        /// The number of given bytes that belong to the completed reply. The other bytes belong to the next reply.
        consumed: usize,
        /// The reply that is now complete.
        reply: Reply,
    },
    /// The reply that the matcher reads differs from the expected one.
    Mismatch(Mismatch),
}

impl ExpectedReply {
    /// Whether no reply is expected at all, because the request gets none.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.frame == ReplyEndRule::Nothing
    }

    /// Returns a matcher for the expected reply on a byte stream.
    #[must_use]
    pub fn matcher(&self) -> ReplyMatcher {
        let pattern = self.pattern.clone();
        let framing = match self.frame {
            ReplyEndRule::Json(envelope) => match &self.json {
                Some(json) => Framing::Json(JsonMatcher::new(json.clone(), envelope)),
                None => Framing::Pattern(PatternMatcher::until_match(pattern)),
            },
            ReplyEndRule::Nothing | ReplyEndRule::Pattern => {
                Framing::Pattern(PatternMatcher::until_match(pattern))
            }
            ReplyEndRule::Http(rule) => {
                Framing::Http(Box::new(HttpMatcher::new(pattern, rule, self.head_request)))
            }
            ReplyEndRule::End => Framing::End(PatternMatcher::framed(pattern)),
            ReplyEndRule::Length { number, at } => {
                Framing::Length(LengthMatcher::new(pattern, number, at, true))
            }
            ReplyEndRule::Prefix(number) => Framing::Length(LengthMatcher::new(pattern, number, 0, false)),
        };
        ReplyMatcher { framing, seen: 0, last: Vec::new(), kept: Vec::new(), keep: 0 }
    }

    /// Compares a whole message, such as a datagram, with the expected reply.
    ///
    /// # Errors
    /// The first byte that is wrong, or the end of the message where more was expected.
    pub fn match_message(&self, message: &[u8]) -> Result<Reply, Mismatch> {
        let framing = Framing::End(PatternMatcher::framed(self.pattern.clone()));
        let mut matcher = ReplyMatcher { framing, seen: 0, last: Vec::new(), kept: Vec::new(), keep: 0 };
        match matcher.push(message) {
            ReplyProgress::Mismatch(mismatch) => return Err(mismatch),
            ReplyProgress::NeedMore | ReplyProgress::Complete { .. } => {}
        }
        Ok(Reply { closes: false, ..matcher.end_of_stream()? })
    }
}

/// Matches one reply while its bytes arrive. The matcher keeps no bytes of the reply unless asked to.
#[derive(Debug)]
pub struct ReplyMatcher {
    framing: Framing,
    seen: u64,
    last: Vec<u8>,
    kept: Vec<u8>,
    keep: usize,
}

#[derive(Debug)]
enum Framing {
    Pattern(PatternMatcher),
    Http(Box<HttpMatcher>),
    End(PatternMatcher),
    Length(LengthMatcher),
    Json(JsonMatcher),
}

impl ReplyMatcher {
    /// Keeps the first `limit` bytes of the reply for [`Reply::bytes`].
    #[must_use]
    pub fn keep_bytes(self, limit: usize) -> ReplyMatcher {
        ReplyMatcher { keep: limit, ..self }
    }

    /// Returns the number of bytes of the reply received so far.
    #[must_use]
    pub fn bytes_received(&self) -> u64 {
        self.seen
    }

    /// Matches the next bytes of the connection, in pieces of any size.
    pub fn push(&mut self, bytes: &[u8]) -> ReplyProgress {
        let step = match &mut self.framing {
            Framing::Pattern(pattern) | Framing::End(pattern) => pattern.push(bytes),
            Framing::Http(http) => http.push(bytes),
            Framing::Length(length) => length.push(bytes),
            Framing::Json(json) => match json.push(bytes) {
                Ok(None) => PatternProgress::More,
                Ok(Some(consumed)) => PatternProgress::Done(consumed),
                Err(mismatch) => return ReplyProgress::Mismatch(mismatch),
            },
        };
        match step {
            PatternProgress::More => {
                self.accept(bytes);
                if self.seen > LONGEST_REPLY {
                    let expected = ExpectedBytes::of(format!("a reply of at most {LONGEST_REPLY} bytes"));
                    return ReplyProgress::Mismatch(self.mismatch(b"", expected));
                }
                ReplyProgress::NeedMore
            }
            PatternProgress::Done(consumed) => {
                self.accept(&bytes[..consumed]);
                ReplyProgress::Complete { consumed, reply: self.reply() }
            }
            PatternProgress::Wrong { at, expected } => {
                self.accept(&bytes[..at]);
                ReplyProgress::Mismatch(self.mismatch(&bytes[at..], expected))
            }
            PatternProgress::Short { at, expected } => {
                self.accept(&bytes[..at]);
                ReplyProgress::Mismatch(self.mismatch(b"", expected))
            }
        }
    }

    /// Handles the end of the connection, which completes the reply or is a mismatch.
    ///
    /// # Errors
    /// The reply is not complete: what is missing.
    pub fn end_of_stream(&mut self) -> Result<Reply, Mismatch> {
        let ended = match &self.framing {
            Framing::Pattern(pattern) | Framing::End(pattern) => pattern.finish(),
            Framing::Http(http) => http.end(),
            Framing::Length(length) => Err(length.missing()),
            Framing::Json(_) => Err(ExpectedBytes::of("the rest of the message")),
        };
        match ended {
            Ok(()) => Ok(self.reply()),
            Err(expected) => Err(self.mismatch(b"", expected)),
        }
    }

    fn reply(&mut self) -> Reply {
        let (status, closes) = match &self.framing {
            Framing::Http(http) => (Some(http.status()), http.closes_connection()),
            Framing::End(_) => (None, true),
            Framing::Pattern(_) | Framing::Length(_) | Framing::Json(_) => (None, false),
        };
        Reply { length: self.seen, status, closes, bytes: std::mem::take(&mut self.kept) }
    }

    /// Counts the bytes of the reply that match, and remembers the last ones for a report.
    fn accept(&mut self, bytes: &[u8]) {
        self.seen += bytes.len() as u64;
        let room = self.keep - self.kept.len();
        self.kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
        let new = &bytes[bytes.len().saturating_sub(REMEMBERED)..];
        let excess = (self.last.len() + new.len()).saturating_sub(REMEMBERED);
        self.last.drain(..excess.min(self.last.len()));
        self.last.extend_from_slice(new);
    }

    fn mismatch(&self, rest: &[u8], expected: ExpectedBytes) -> Mismatch {
        Mismatch {
            offset: self.seen,
            expected: expected.text,
            expected_bytes: expected.bytes,
            before: self.last.clone(),
            found: rest[..rest.len().min(MAX_EXPECTED_BYTES)].to_vec(),
            pointer: None,
        }
    }
}

/// Matches a reply that contains its own length.
#[derive(Debug)]
struct LengthMatcher {
    pattern: PatternMatcher,
    fixed: Option<u64>,
    number: LengthFormat,
    reading: LengthDecoder,
    /// The number of the reply's bytes before its length field that are still missing.
    before: usize,
    /// The number of the reply's bytes after its length field that are still missing, once the length is known.
    left: Option<u64>,
    /// Whether the reply's pattern includes the length field and the bytes before it.
    header_in_pattern: bool,
    header_length: u64,
}

impl LengthMatcher {
    fn new(pattern: Arc<Pattern>, number: LengthFormat, at: usize, header_in_pattern: bool) -> LengthMatcher {
        LengthMatcher {
            fixed: pattern.fixed_length(),
            pattern: PatternMatcher::framed(pattern),
            number,
            reading: LengthDecoder::default(),
            before: at,
            left: None,
            header_in_pattern,
            header_length: 0,
        }
    }

    fn push(&mut self, bytes: &[u8]) -> PatternProgress {
        let mut at = 0;
        while at < bytes.len() {
            let Some(left) = self.left else {
                if let Err(expected) = self.header_byte(bytes[at]) {
                    return PatternProgress::wrong_first_byte(expected).moved_by(at);
                }
                at += 1;
                if self.left == Some(0) {
                    return self.finish(at);
                }
                continue;
            };
            let taken = left.min((bytes.len() - at) as u64) as usize;
            let step = self.pattern.push(&bytes[at..at + taken]);
            if step != PatternProgress::More {
                return step.moved_by(at);
            }
            at += taken;
            self.left = Some(left - taken as u64);
            if left == taken as u64 {
                return self.finish(at);
            }
        }
        PatternProgress::More
    }

    fn finish(&self, at: usize) -> PatternProgress {
        match self.pattern.finish() {
            Ok(()) => PatternProgress::Done(at),
            Err(expected) => PatternProgress::Short { at, expected },
        }
    }

    /// Reads a byte of the reply that is before or in its length field.
    fn header_byte(&mut self, byte: u8) -> Result<(), ExpectedBytes> {
        if self.header_in_pattern
            && let PatternProgress::Wrong { expected, .. } = self.pattern.push(&[byte])
        {
            return Err(expected);
        }
        self.header_length += 1;
        if self.before > 0 {
            self.before -= 1;
            return Ok(());
        }
        let reading = self.reading.add_byte(self.number, byte);
        self.reading = reading.ok_or_else(|| ExpectedBytes::of("the length of the reply"))?;
        let Some(length) = self.reading.length(self.number) else { return Ok(()) };
        let header = if self.header_in_pattern { self.header_length } else { 0 };
        // A reply of another length than the pattern's cannot match: its length is the first sign of it.
        match self.fixed {
            Some(fixed) if fixed != header + length => {
                Err(ExpectedBytes::of(format!("a length of {}", fixed.saturating_sub(header))))
            }
            _ if length > LONGEST_REPLY => {
                Err(ExpectedBytes::of(format!("a reply of at most {LONGEST_REPLY} bytes")))
            }
            _ => {
                self.left = Some(length);
                Ok(())
            }
        }
    }

    fn missing(&self) -> ExpectedBytes {
        match self.left {
            Some(left) => ExpectedBytes::of(format!("{left} more bytes of the reply")),
            None => ExpectedBytes::of("the length of the reply"),
        }
    }
}
