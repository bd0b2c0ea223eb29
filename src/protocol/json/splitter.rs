//! Cuts a byte stream into JSON messages.

use std::ops::Range;

use super::Envelope;

/// The names of the header fields that a message of the Language Server Protocol can have.
const FIELDS: [&[u8]; 2] = [b"content-length:", b"content-type:"];

/// A piece of a byte stream that holds one JSON message, or bytes that belong to no message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::protocol) struct Unit {
    /// All bytes of the piece: the message, and the bytes that frame it.
    pub(in crate::protocol) raw: Vec<u8>,
    /// The range of the message in the bytes of the piece, or `None` if the piece holds no message.
    pub(in crate::protocol) body: Option<Range<usize>>,
    /// Whether the message has a head whose lines do not all end with CR and LF.
    pub(in crate::protocol) bare_line_ends: bool,
}

/// Cuts a byte stream into JSON messages as its bytes arrive.
#[derive(Debug)]
pub(in crate::protocol) struct Splitter {
    envelope: Envelope,
    buffer: Vec<u8>,
    /// The number of bytes at the beginning of the buffer in which no line end was found.
    searched: usize,
}

impl Splitter {
    pub(in crate::protocol) fn new(envelope: Envelope) -> Splitter {
        Splitter { envelope, buffer: Vec::new(), searched: 0 }
    }

    /// Returns the way in which the splitter cuts the stream into JSON messages.
    pub(in crate::protocol) fn envelope(&self) -> Envelope {
        self.envelope
    }

    /// Adds received bytes of the stream, in pieces of any size.
    pub(in crate::protocol) fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Returns the received bytes that are not yet part of a whole message.
    pub(in crate::protocol) fn rest(&self) -> &[u8] {
        &self.buffer
    }

    /// Returns the next message of the stream that has arrived completely.
    pub(in crate::protocol) fn next_unit(&mut self) -> Option<Unit> {
        match self.envelope {
            Envelope::Lines => self.next_line(),
            Envelope::ContentLength => self.next_with_head(),
        }
    }

    fn take(&mut self, length: usize, body: Option<Range<usize>>) -> Unit {
        self.searched = 0;
        let rest = self.buffer.split_off(length);
        Unit { raw: std::mem::replace(&mut self.buffer, rest), body, bare_line_ends: false }
    }

    fn next_line(&mut self) -> Option<Unit> {
        let Some(end) = self.buffer[self.searched..].iter().position(|&byte| byte == b'\n') else {
            self.searched = self.buffer.len();
            return None;
        };
        let end = self.searched + end;
        Some(self.take(end + 1, Some(0..end)))
    }

    fn next_with_head(&mut self) -> Option<Unit> {
        if self.buffer.is_empty() {
            return None;
        }
        if !may_begin_head(&self.buffer) {
            let next = (1..self.buffer.len()).find(|&at| may_begin_head(&self.buffer[at..]));
            return Some(self.take(next.unwrap_or(self.buffer.len()), None));
        }
        let head = head_length(&self.buffer)?;
        let Some((length, bare_line_ends)) = content_length(&self.buffer[..head]) else {
            return Some(self.take(head, None));
        };
        let end = head.checked_add(length)?;
        (self.buffer.len() >= end).then(|| Unit { bare_line_ends, ..self.take(end, Some(head..end)) })
    }
}

/// Whether `bytes` begin with the name of a message's header field, or with a part of one.
fn may_begin_head(bytes: &[u8]) -> bool {
    FIELDS.iter().any(|field| {
        let common = field.len().min(bytes.len());
        bytes[..common].eq_ignore_ascii_case(&field[..common])
    })
}

/// Returns the length of the message head at the beginning of `bytes`, up to the empty line that ends it. A head whose
/// lines end without `\r` ends too, and holds no length.
fn head_length(bytes: &[u8]) -> Option<usize> {
    let mut start = 0;
    while let Some(end) = bytes[start..].iter().position(|&byte| byte == b'\n') {
        if matches!(&bytes[start..start + end], b"" | b"\r") {
            return Some(start + end + 1);
        }
        start += end + 1;
    }
    None
}

/// Returns the content length that a message head states, and whether one of its lines ends with LF alone. `None` if
/// the head is wrong.
fn content_length(head: &[u8]) -> Option<(usize, bool)> {
    let text = std::str::from_utf8(head).ok()?;
    let bare = text.matches('\n').count() != text.matches("\r\n").count();
    let fields = text.trim_end().lines().map(|line| line.split_once(':'));
    let fields: Vec<_> = fields.collect::<Option<_>>()?;
    let (_, value) = fields.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-length"))?;
    let value = value.trim_matches([' ', '\t']);
    let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    value.parse().ok().filter(|_| digits).map(|length| (length, bare))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bodies(envelope: Envelope, bytes: &[u8], piece: usize) -> Vec<Option<String>> {
        let mut splitter = Splitter::new(envelope);
        let mut bodies = Vec::new();
        for piece in bytes.chunks(piece) {
            splitter.push(piece);
            while let Some(unit) = splitter.next_unit() {
                let body = unit.body.map(|body| String::from_utf8_lossy(&unit.raw[body]).into_owned());
                bodies.push(body);
            }
        }
        bodies
    }

    #[test]
    fn messages_are_found_in_pieces_of_any_size() {
        let bytes = b"Content-Length: 2\r\n\r\n{}Content-Type: x\r\ncontent-length:3\r\n\r\n[1]";
        for piece in 1..bytes.len() {
            let found = bodies(Envelope::ContentLength, bytes, piece);
            assert_eq!(found, [Some("{}".into()), Some("[1]".into())], "{piece}");
        }
        for piece in 1..8 {
            let found = bodies(Envelope::Lines, b"{}\n[1]\n{", piece);
            assert_eq!(found, [Some("{}".into()), Some("[1]".into())]);
        }
    }

    #[test]
    fn a_log_line_before_a_head_is_no_message() {
        let bytes = b"listening\nContent-Length: 2\r\n\r\n{}";
        let found = bodies(Envelope::ContentLength, bytes, bytes.len());
        assert_eq!(found, [None, Some("{}".into())]);
    }

    #[test]
    fn a_head_without_a_right_length_is_no_message() {
        for head in ["Content-Length: x\r\n\r\n", "Content-Length 2\r\n\r\n", "Content-Type: x\r\n\r\n"] {
            assert_eq!(bodies(Envelope::ContentLength, head.as_bytes(), 100), [None], "{head:?}");
        }
    }
}
