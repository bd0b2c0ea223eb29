//! Templates: bytes with placeholders, as a protocol file writes requests and replies.

mod literal;
mod parser;
mod placeholder;
mod written;

use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

pub(super) use self::parser::{Parser, Settings};
pub(super) use self::placeholder::reserved_names;
pub(super) use self::written::{Notation, TemplateText};
use super::json::{JsonPattern, Kind};
use super::number::LengthFormat;
use super::token::Token;

/// The parsed template of a request or a reply.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Template {
    pub(super) parts: Vec<TemplatePart>,
}

/// One piece of a template and its place in the protocol file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TemplatePart {
    pub(super) piece: TemplatePiece,
    pub(super) span: Range<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TemplatePiece {
    /// The piece is a literal: bytes that are always the same.
    Bytes(Vec<u8>),
    /// The piece stands for bytes that the client chose for this exchange.
    Known(KnownBytes),
    /// The piece stands for bytes that the server chooses.
    Wildcard(Wildcard),
    /// The piece stands for a JSON list with a `null` for each item of the list at this JSON pointer in the message
    /// that is answered.
    Nulls(String),
}

/// A placeholder for bytes that the client knows: `{token}`, `{payload}`, or a text derived from one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct KnownBytes {
    pub(super) value: Value,
    pub(super) encoding: Encoding,
    /// The encoding of a length, if the template holds the length of the bytes instead of the bytes.
    pub(super) length: Option<LengthFormat>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value {
    /// The placeholder stands for this number of characters from the beginning of the token.
    Token(usize),
    Payload,
    /// The placeholder stands for the number of the exchange in decimal digits.
    Id,
    /// The placeholder stands for the id of the client's process in decimal digits.
    Pid(u32),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Raw,
    Hex,
    Base64,
}

/// A part of a reply whose bytes the server chooses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wildcard {
    /// The wildcard matches between `least` and `most` bytes of a class.
    Class { class: ByteClass, least: u64, most: Option<u64> },
    /// The wildcard matches a number that says how long the body is.
    Length(LengthFormat),
    /// The wildcard matches the body: as many bytes as the length before it says.
    Body,
    /// The wildcard matches any number of whole lines that begin with this text.
    Lines(Vec<u8>),
    /// The wildcard matches a JSON value of this kind.
    Json(Kind),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ByteClass {
    Any,
    Line,
    Digit,
    Hex,
    Word,
    Space,
}

impl ByteClass {
    pub(super) fn contains(self, byte: u8) -> bool {
        match self {
            ByteClass::Any => true,
            ByteClass::Line => byte != b'\r' && byte != b'\n',
            ByteClass::Digit => byte.is_ascii_digit(),
            ByteClass::Hex => byte.is_ascii_hexdigit(),
            ByteClass::Word => byte > b' ' && byte != 0x7f,
            ByteClass::Space => byte == b' ' || byte == b'\t',
        }
    }

    pub(super) fn describe(self) -> &'static str {
        match self {
            ByteClass::Any => "any byte",
            ByteClass::Line => "a byte of the line",
            ByteClass::Digit => "a digit",
            ByteClass::Hex => "a hexadecimal digit",
            ByteClass::Word => "a byte of a word",
            ByteClass::Space => "a space or tab",
        }
    }
}

impl Template {
    fn push_bytes(&mut self, bytes: Vec<u8>, span: Range<usize>) {
        if bytes.is_empty() {
            return;
        }
        if let Some(TemplatePart { piece: TemplatePiece::Bytes(last), span: before }) = self.parts.last_mut()
            && before.end == span.start
        {
            last.extend_from_slice(&bytes);
            before.end = span.end;
            return;
        }
        self.parts.push(TemplatePart { piece: TemplatePiece::Bytes(bytes), span });
    }

    /// Returns the first part of the template for which `wanted` returns true.
    pub(super) fn find(&self, wanted: impl Fn(&TemplatePiece) -> bool) -> Option<&TemplatePart> {
        self.parts.iter().find(|part| wanted(&part.piece))
    }

    /// Returns the first part with bytes of `{token}` or `{payload}` themselves, not their length.
    pub(super) fn find_value(&self, wanted: impl Fn(&KnownBytes) -> bool) -> Option<&TemplatePart> {
        self.find(
            |piece| matches!(piece, TemplatePiece::Known(known) if known.length.is_none() && wanted(known)),
        )
    }

    pub(super) fn has_token(&self) -> bool {
        self.find_value(|known| matches!(known.value, Value::Token(_))).is_some()
    }

    /// Replaces every process id in the template with `pid`. Returns how many there are.
    pub(super) fn set_pid(&mut self, pid: u32) -> usize {
        let mut replaced = 0;
        for part in &mut self.parts {
            if let TemplatePiece::Known(KnownBytes { value: Value::Pid(one), .. }) = &mut part.piece {
                *one = pid;
                replaced += 1;
            }
        }
        replaced
    }

    /// Replaces every id in the template with `pieces`. Returns false if there is none.
    pub(super) fn replace_id(&mut self, pieces: &[TemplatePiece]) -> bool {
        let has_id = self.has_id();
        self.parts = std::mem::take(&mut self.parts)
            .into_iter()
            .flat_map(|part| match &part.piece {
                TemplatePiece::Known(KnownBytes { value: Value::Id, length: None, .. }) => pieces
                    .iter()
                    .map(|piece| TemplatePart { piece: piece.clone(), span: part.span.clone() })
                    .collect(),
                _ => vec![part],
            })
            .collect();
        has_id
    }

    /// Inserts `text` before the first payload in the template. Returns false if there is none.
    pub(super) fn insert_before_payload(&mut self, text: &str) -> bool {
        let is_payload = |part: &TemplatePart| {
            matches!(part.piece, TemplatePiece::Known(KnownBytes { value: Value::Payload, length: None, .. }))
        };
        let Some(index) = self.parts.iter().position(is_payload) else { return false };
        let span = self.parts[index].span.clone();
        self.parts.insert(index, TemplatePart { piece: TemplatePiece::Bytes(text.into()), span });
        true
    }

    pub(super) fn has_id(&self) -> bool {
        self.find_value(|known| known.value == Value::Id).is_some()
    }

    pub(super) fn has_payload(&self) -> bool {
        self.find_value(|known| known.value == Value::Payload).is_some()
    }

    /// Returns the bytes of the template and the offset of each part. `fill` returns the bytes of a part that is no
    /// literal.
    pub(super) fn render(&self, fill: impl Fn(&TemplatePiece) -> Vec<u8>) -> (Vec<u8>, Vec<usize>) {
        let mut bytes = Vec::new();
        let mut edges = Vec::with_capacity(self.parts.len());
        for part in &self.parts {
            edges.push(bytes.len());
            match &part.piece {
                TemplatePiece::Bytes(literal) => bytes.extend_from_slice(literal),
                piece => bytes.extend(fill(piece)),
            }
        }
        (bytes, edges)
    }

    /// Returns the template as the text of a JSON pattern, with the token and the payload of one exchange.
    pub(super) fn json_pattern(&self, token: &Token, payload: &[u8]) -> (Vec<u8>, Vec<usize>) {
        self.render(|piece| match piece {
            TemplatePiece::Known(KnownBytes { value: Value::Id, .. }) => JsonPattern::id(),
            TemplatePiece::Known(known) => known.bytes(token, payload),
            TemplatePiece::Wildcard(Wildcard::Json(kind)) => JsonPattern::wildcard(*kind),
            _ => Vec::new(),
        })
    }

    /// Returns the length of the longest payload that the template's length fields can express.
    pub(super) fn longest_payload(&self) -> Option<u64> {
        let limits = self.parts.iter().filter_map(|part| match part.piece {
            TemplatePiece::Known(KnownBytes { value: Value::Payload, length: Some(number), encoding }) => {
                Some(match encoding {
                    Encoding::Raw => number.max_length(),
                    Encoding::Hex => number.max_length() / 2,
                    Encoding::Base64 => number.max_length() / 4 * 3,
                })
            }
            _ => None,
        });
        limits.min()
    }
}

impl KnownBytes {
    /// Whether the placeholder stands for the payload itself, neither encoded nor counted.
    pub(super) fn is_payload_itself(&self) -> bool {
        self.value == Value::Payload && self.encoding == Encoding::Raw && self.length.is_none()
    }

    /// Returns the bytes that replace the placeholder in one exchange.
    pub(super) fn bytes(&self, token: &Token, payload: &[u8]) -> Vec<u8> {
        let raw = match self.value {
            Value::Token(length) => &token.as_bytes()[..length],
            Value::Payload => payload,
            Value::Id => return token.id().to_string().into_bytes(),
            Value::Pid(pid) => return pid.to_string().into_bytes(),
        };
        let bytes = match self.encoding {
            Encoding::Raw => raw.to_vec(),
            Encoding::Hex => hex(raw),
            Encoding::Base64 => BASE64.encode(raw).into_bytes(),
        };
        match self.length {
            Some(number) => number.encode(bytes.len() as u64),
            None => bytes,
        }
    }
}

fn hex(bytes: &[u8]) -> Vec<u8> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|digit| DIGITS[usize::from(digit)]).collect()
}
