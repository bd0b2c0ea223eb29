//! Matches a reply against a pattern while its bytes arrive.
//!
//! A pattern is followed in all ways at once, as a finite automaton is. It needs no memory for bytes that it
//! has matched, and it knows the first byte after which no way is left.

mod expected_bytes;
mod matcher;
mod thread;

use std::sync::Arc;

pub(super) use self::matcher::PatternMatcher;
use super::number::LengthFormat;
use super::template::{ByteClass, Template, TemplatePiece, Value, Wildcard};
use super::token::Token;

/// The maximum number of expected bytes that the report of a mismatch shows.
pub(super) const MAX_EXPECTED_BYTES: usize = 24;

/// The pattern of one reply: a template in which the token and payload of the exchange are filled in.
#[derive(Debug, Default)]
pub(super) struct Pattern {
    segments: Vec<Segment>,
}

#[derive(Debug)]
enum Segment {
    Literal {
        bytes: Arc<[u8]>,
        role: ByteOrigin,
    },
    Class {
        class: ByteClass,
        least: u64,
        most: Option<u64>,
    },
    Length(LengthFormat),
    Body,
    /// The segment matches any number of whole lines that begin with these bytes.
    Lines(Arc<[u8]>),
}

/// The origin of the bytes of a pattern's literal: the protocol file, the token or the payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ByteOrigin {
    Text,
    Token,
    Payload,
}

/// The bytes that were expected at the place of a mismatch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ExpectedBytes {
    /// The expected bytes in words.
    pub(super) text: String,
    /// The expected bytes themselves, as far as no other bytes would match.
    pub(super) bytes: Vec<u8>,
}

impl ExpectedBytes {
    pub(super) fn of(text: impl Into<String>) -> ExpectedBytes {
        ExpectedBytes { text: text.into(), bytes: Vec::new() }
    }
}

/// The state of matching a reply with a pattern, after more bytes were pushed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum PatternProgress {
    /// All pushed bytes match, and the reply is not yet complete.
    More,
    /// The reply ends after this many of the pushed bytes.
    Done(usize),
    /// The pushed byte at the offset `at` matches nothing that the pattern allows.
    Wrong { at: usize, expected: ExpectedBytes },
    /// The reply ends after `at` of the pushed bytes, although the pattern expects more.
    Short { at: usize, expected: ExpectedBytes },
}

impl PatternProgress {
    /// Returns the state with its offset increased by `by`: the offset then counts from `by` bytes earlier.
    pub(super) fn moved_by(self, by: usize) -> PatternProgress {
        match self {
            PatternProgress::More => PatternProgress::More,
            PatternProgress::Done(at) => PatternProgress::Done(by + at),
            PatternProgress::Wrong { at, expected } => PatternProgress::Wrong { at: by + at, expected },
            PatternProgress::Short { at, expected } => PatternProgress::Short { at: by + at, expected },
        }
    }

    /// Returns the state of a match in which the first byte is wrong.
    pub(super) fn wrong_first_byte(expected: ExpectedBytes) -> PatternProgress {
        PatternProgress::Wrong { at: 0, expected }
    }
}

impl Pattern {
    /// Creates the pattern of one reply: fills the token and payload of an exchange into a template.
    pub(super) fn new(template: &Template, token: &Token, payload: &Arc<[u8]>) -> Pattern {
        let segments = template.parts.iter().map(|part| match &part.piece {
            TemplatePiece::Bytes(bytes) => {
                Segment::Literal { bytes: bytes[..].into(), role: ByteOrigin::Text }
            }
            TemplatePiece::Known(known) => {
                let role = match known.value {
                    _ if known.length.is_some() => ByteOrigin::Text,
                    Value::Token(_) => ByteOrigin::Token,
                    Value::Payload => ByteOrigin::Payload,
                    Value::Id | Value::Pid(_) => ByteOrigin::Text,
                };
                let bytes = if known.is_payload_itself() {
                    payload.clone()
                } else {
                    known.bytes(token, payload).into()
                };
                Segment::Literal { bytes, role }
            }
            TemplatePiece::Wildcard(Wildcard::Class { class, least, most }) => {
                Segment::Class { class: *class, least: *least, most: *most }
            }
            TemplatePiece::Wildcard(Wildcard::Length(number)) => Segment::Length(*number),
            TemplatePiece::Wildcard(Wildcard::Body) => Segment::Body,
            TemplatePiece::Wildcard(Wildcard::Lines(begin)) => Segment::Lines(begin[..].into()),
            // The parser allows these only in JSON, which is no pattern of bytes.
            TemplatePiece::Wildcard(Wildcard::Json(_)) | TemplatePiece::Nulls(_) => {
                Segment::Class { class: ByteClass::Any, least: 0, most: None }
            }
        });
        Pattern { segments: segments.collect() }
    }

    /// Returns the length of every reply that matches the pattern, if it is always the same.
    pub(super) fn fixed_length(&self) -> Option<u64> {
        self.segments.iter().try_fold(0, |sum: u64, segment| {
            let length = match segment {
                Segment::Literal { bytes, .. } => bytes.len() as u64,
                Segment::Class { least, most, .. } if *most == Some(*least) => *least,
                _ => return None,
            };
            sum.checked_add(length)
        })
    }

    /// Whether segment `index` is the pattern's last one and takes any bytes.
    fn takes_the_rest(&self, index: usize) -> bool {
        let last = matches!(
            self.segments.get(index),
            Some(Segment::Class { class: ByteClass::Any, least: 0, most: None })
        );
        last && index + 1 == self.segments.len()
    }
}
