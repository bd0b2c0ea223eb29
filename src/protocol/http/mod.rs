//! Finds the end of an HTTP/1.1 response. RFC 9112 §6.

mod head;
mod status;

use std::sync::Arc;

use self::head::Head;
pub(super) use self::status::StatusRule;
use super::pattern::{ExpectedBytes, Pattern, PatternMatcher, PatternProgress};

/// The maximum length in bytes of the head or trailer of an HTTP response.
const LONGEST_HEAD: usize = 256 * 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    StatusLine,
    Header,
    /// The matcher reads a body of known length. Holds the number of bytes that are missing.
    Counted(u64),
    UntilEnd,
    ChunkSize,
    Chunk(u64),
    ChunkEnd,
    Trailer,
}

/// Finds the end of an HTTP response while its bytes arrive.
#[derive(Debug)]
pub(super) struct HttpMatcher {
    phase: Phase,
    line: Vec<u8>,
    /// Whether the current line of the HTTP response has had the `:` or `;` after which any byte may follow.
    past_mark: bool,
    head_bytes: usize,
    head_request: bool,
    rule: StatusRule,
    body: PatternMatcher,
    head: Head,
}

impl HttpMatcher {
    pub(super) fn new(body: Arc<Pattern>, rule: StatusRule, head_request: bool) -> HttpMatcher {
        HttpMatcher {
            phase: Phase::StatusLine,
            line: Vec::new(),
            past_mark: false,
            head_bytes: 0,
            head_request,
            rule,
            body: PatternMatcher::framed(body),
            head: Head::default(),
        }
    }

    pub(super) fn status(&self) -> u16 {
        self.head.status
    }

    /// Returns whether the HTTP response announces that the server closes the connection after it.
    pub(super) fn closes_connection(&self) -> bool {
        let head = &self.head;
        head.close || (head.old && !head.keep_alive) || self.phase == Phase::UntilEnd
    }

    pub(super) fn push(&mut self, bytes: &[u8]) -> PatternProgress {
        let mut at = 0;
        while at < bytes.len() {
            let step = match self.phase {
                Phase::Counted(left) | Phase::Chunk(left) => self.content(&bytes[at..], left),
                Phase::UntilEnd => self.content(&bytes[at..], u64::MAX),
                _ => self.head_byte(bytes[at]),
            };
            match step {
                Ok(Taken::More(taken)) => at += taken,
                Ok(Taken::Last(taken)) => return PatternProgress::Done(at + taken),
                Err(step) => return step.moved_by(at),
            }
        }
        PatternProgress::More
    }

    /// Handles the end of the connection: it ends the HTTP response, or is an error that says what is missing.
    pub(super) fn end(&self) -> Result<(), ExpectedBytes> {
        let missing = match self.phase {
            Phase::UntilEnd => return self.body.finish(),
            Phase::StatusLine => "a whole status line `HTTP/1.1 …`".into(),
            Phase::Header => "the rest of the head".into(),
            Phase::Counted(left) => format!("{left} more bytes of the body"),
            Phase::Chunk(left) => format!("{left} more bytes of the chunk"),
            Phase::ChunkSize | Phase::ChunkEnd => "another chunk".into(),
            Phase::Trailer => "the empty line after the last chunk".into(),
        };
        Err(ExpectedBytes::of(missing))
    }

    /// Reads received bytes of a response's body, of which `left` are still missing.
    fn content(&mut self, bytes: &[u8], left: u64) -> Result<Taken, PatternProgress> {
        let taken = left.min(bytes.len() as u64) as usize;
        let step = self.body.push(&bytes[..taken]);
        if step != PatternProgress::More {
            return Err(step);
        }
        let left = left - taken as u64;
        match self.phase {
            Phase::Counted(_) if left == 0 => return self.finish_body(taken),
            Phase::Counted(_) => self.phase = Phase::Counted(left),
            Phase::Chunk(_) if left == 0 => self.phase = Phase::ChunkEnd,
            Phase::Chunk(_) => self.phase = Phase::Chunk(left),
            _ => {}
        }
        Ok(Taken::More(taken))
    }

    fn finish_body(&self, taken: usize) -> Result<Taken, PatternProgress> {
        match self.body.finish() {
            Ok(()) => Ok(Taken::Last(taken)),
            Err(expected) => Err(PatternProgress::Short { at: taken, expected }),
        }
    }

    /// Reads one byte of a line of an HTTP response: of the status line, a header field, a chunk's size, or the line
    /// after a chunk.
    fn head_byte(&mut self, byte: u8) -> Result<Taken, PatternProgress> {
        self.check(byte).map_err(PatternProgress::wrong_first_byte)?;
        self.line.push(byte);
        self.past_mark |= matches!(byte, b':' | b';');
        self.head_bytes += 1;
        if self.head_bytes > LONGEST_HEAD {
            let limit = format!("a head of at most {LONGEST_HEAD} bytes");
            return Err(PatternProgress::wrong_first_byte(ExpectedBytes::of(limit)));
        }
        if byte != b'\n' {
            return Ok(Taken::More(1));
        }
        let mut line = std::mem::take(&mut self.line);
        self.past_mark = false;
        line.pop();
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        self.end_line(&line)
    }

    /// Checks that `byte` may be the next byte of the current line of an HTTP response.
    fn check(&self, byte: u8) -> Result<(), ExpectedBytes> {
        let place = self.line.len();
        let after_cr = self.line.last() == Some(&b'\r');
        match self.phase {
            Phase::StatusLine => self.check_status_line(place, byte),
            Phase::Header | Phase::Trailer => self.check_field(place, after_cr, byte),
            Phase::ChunkSize => self.check_chunk_size(place, after_cr, byte),
            Phase::ChunkEnd if byte == b'\n' || (place == 0 && byte == b'\r') => Ok(()),
            Phase::ChunkEnd => Err(ExpectedBytes {
                text: r"`\r\n` after the chunk".into(),
                bytes: b"\r\n"[place..].to_vec(),
            }),
            Phase::Counted(_) | Phase::UntilEnd | Phase::Chunk(_) => Ok(()),
        }
    }

    fn check_status_line(&self, place: usize, byte: u8) -> Result<(), ExpectedBytes> {
        const VERSION: &[u8] = b"HTTP/1.";
        if let Some(wanted) = VERSION.get(place) {
            let bytes = VERSION[place..].to_vec();
            let text = "a status line `HTTP/1.1 …`".into();
            return if byte == *wanted { Ok(()) } else { Err(ExpectedBytes { text, bytes }) };
        }
        let wanted = match place {
            7 if byte.is_ascii_digit() => return Ok(()),
            7 => "a digit of the HTTP version".into(),
            8 if byte == b' ' => return Ok(()),
            8 => "a space before the status".into(),
            9..=11 => {
                let mut status = self.line[9..].to_vec();
                status.push(byte);
                if self.rule.allows(&status) {
                    return Ok(());
                }
                self.rule.describe()
            }
            12 if matches!(byte, b' ' | b'\r' | b'\n') => return Ok(()),
            12 => "a space after the status".into(),
            _ => return Ok(()),
        };
        Err(ExpectedBytes::of(wanted))
    }

    fn check_field(&self, place: usize, after_cr: bool, byte: u8) -> Result<(), ExpectedBytes> {
        if byte == b'\n' && place == 0 {
            return Ok(());
        }
        if place == 1 && after_cr && byte != b'\n' {
            return Err(ExpectedBytes { text: r"`\n`".into(), bytes: b"\n".to_vec() });
        }
        // A folded line begins with a space; a name ends at its colon.
        let first = self.line.first().copied().unwrap_or(byte);
        if matches!(first, b' ' | b'\t' | b'\r') || self.past_mark {
            return Ok(());
        }
        match byte {
            b':' if place > 0 => Ok(()),
            b'\n' | b'\r' => Err(ExpectedBytes::of("a `:` after the field's name")),
            _ if is_name(byte) => Ok(()),
            _ => Err(ExpectedBytes::of("a header field's name")),
        }
    }

    fn check_chunk_size(&self, place: usize, after_cr: bool, byte: u8) -> Result<(), ExpectedBytes> {
        let digits = self.line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let in_digits = digits == place;
        let allowed = match byte {
            _ if in_digits && byte.is_ascii_hexdigit() => digits < 10,
            b'\n' => place > 0,
            _ if after_cr && !self.past_mark => false,
            b'\r' | b';' | b' ' | b'\t' => place > 0,
            _ => self.past_mark,
        };
        let wanted = if place == 0 { "a chunk's size" } else { "the end of the chunk's size" };
        if allowed { Ok(()) } else { Err(ExpectedBytes::of(wanted)) }
    }

    fn end_line(&mut self, line: &[u8]) -> Result<Taken, PatternProgress> {
        match self.phase {
            Phase::StatusLine => {
                let digits = line[9..12].iter().map(|digit| u16::from(digit - b'0'));
                let status = digits.fold(0, |number, digit| number * 10 + digit);
                self.head = Head { status, old: line[7] == b'0', ..Head::default() };
                self.phase = Phase::Header;
            }
            Phase::Header if line.is_empty() => return self.end_head(),
            Phase::Header => self.head.field(line).map_err(PatternProgress::wrong_first_byte)?,
            Phase::ChunkSize => {
                let digits = line.iter().map_while(|byte| (*byte as char).to_digit(16));
                let size = digits.fold(0, |size: u64, digit| size * 16 + u64::from(digit));
                self.head_bytes = 0;
                self.phase = if size == 0 { Phase::Trailer } else { Phase::Chunk(size) };
            }
            Phase::ChunkEnd => self.phase = Phase::ChunkSize,
            Phase::Trailer if line.is_empty() => return self.finish_body(1),
            _ => {}
        }
        Ok(Taken::More(1))
    }

    /// Decides from the head of an HTTP response how its body ends. RFC 9112 §6.3.
    fn end_head(&mut self) -> Result<Taken, PatternProgress> {
        self.head_bytes = 0;
        let status = self.head.status;
        if (100..200).contains(&status) && status != 101 {
            self.phase = Phase::StatusLine;
            return Ok(Taken::More(1));
        }
        // A response that has no body says nothing about the body that is expected elsewhere.
        if self.head_request || matches!(status, 101 | 204 | 304) {
            return Ok(Taken::Last(1));
        }
        self.phase = match (self.head.length, self.head.chunked) {
            (_, true) => Phase::ChunkSize,
            (Some(length), false) if !self.head.other_coding => Phase::Counted(length),
            _ => Phase::UntilEnd,
        };
        if self.phase == Phase::Counted(0) {
            return self.finish_body(1);
        }
        Ok(Taken::More(1))
    }
}

/// The result of reading bytes of an HTTP response: how many belong to it, and whether it ends with them.
enum Taken {
    More(usize),
    Last(usize),
}

/// Returns whether a byte may be part of the name of an HTTP header field. RFC 9110 §5.6.2.
fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
