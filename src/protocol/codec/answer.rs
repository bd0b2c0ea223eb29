//! Replies, correct or wrong, as a [`Codec`](super::Codec) returns them.

use std::fmt;
use std::sync::Arc;

use super::{Codec, SHOWN};
use crate::protocol::mismatch::Mismatch;
use crate::protocol::reply::Reply;
use crate::protocol::token::Token;
use crate::text::count_with_noun;

/// The part of a connection that a reply belongs to: greeting, opening or exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplyKind {
    /// The reply is a greeting, which the server sends before any request.
    Greeting,
    /// The reply belongs to an exchange that begins the connection.
    Opening,
    /// The reply belongs to an exchange that the caller asked for, not to the opening of the connection.
    Exchange,
}

/// The bytes that a codec of JSON accepts besides the replies that it awaits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Tolerance {
    /// The codec accepts only messages that the protocol allows.
    #[default]
    None,
    /// The codec also accepts bytes that are no JSON message, such as a log line.
    Strays,
    /// The codec accepts anything, even messages that no request asked for.
    Anything,
}

/// A complete reply that matches the expected one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CorrectReply {
    /// The part of the connection that the correct reply belongs to: greeting, opening or exchange.
    pub part: ReplyKind,
    /// The content that the answered request carried.
    pub content: Arc<[u8]>,
    /// The token of the exchange; `None` if there was no request.
    pub token: Option<Token>,
    /// The reply itself, as the server sent it.
    pub reply: Reply,
    /// Whether the correct reply ended before all of its request was written.
    pub early: bool,
}

/// A reply that is wrong, or bytes that no request asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongReply {
    /// The number of the wrong reply on its connection, counted from 1, the greeting included.
    pub number: u64,
    /// Whether every request had been answered before the wrong bytes came, so that no request asked for them.
    pub unasked: bool,
    /// Whether the wrong reply began before all of its request had been written.
    pub early: bool,
    /// The first bytes of the request that got the wrong reply. Empty for a greeting.
    pub request: Vec<u8>,
    /// The place where the reply differs from the expected one.
    pub mismatch: Box<Mismatch>,
}

impl fmt::Display for WrongReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.unasked {
            write!(
                f,
                "bytes that no request asked for, after {}",
                count_with_noun((self.number - 1) as usize, "reply")
            )?;
        } else {
            write!(f, "reply {}", self.number)?;
            if !self.request.is_empty() {
                write!(f, ", to `{}`,", self.first_line_of_request())?;
            }
            f.write_str(if self.is_absent() { " ended before its first byte" } else { " is wrong" })?;
        }
        if self.early {
            f.write_str(" (the request had not been sent to its end)")?;
        }
        if self.is_absent() {
            write!(f, ": expected {}", self.mismatch.expected)
        } else {
            write!(f, ": {}", self.mismatch)
        }
    }
}

impl WrongReply {
    /// Returns the first line of the request that got the wrong reply, for a sentence. A `…` stands for the rest.
    #[must_use]
    pub fn first_line_of_request(&self) -> String {
        let line = self.request.split_inclusive(|&byte| byte == b'\n').next().unwrap_or_default();
        let more = if line.len() < self.request.len() { "…" } else { "" };
        format!("{}{more}", line.escape_ascii())
    }

    /// Whether the connection ended, or an empty message came, where a reply was due.
    pub(crate) fn is_absent(&self) -> bool {
        !self.unasked && self.mismatch.offset == 0 && self.mismatch.is_end()
    }
}

impl std::error::Error for WrongReply {}

impl Codec {
    pub(super) fn wrong(&self, mismatch: Mismatch) -> WrongReply {
        WrongReply {
            number: self.replies + 1,
            unasked: false,
            early: self.is_early(),
            request: self.due.get(self.reading).map(|due| due.request.clone()).unwrap_or_default(),
            mismatch: Box::new(mismatch),
        }
    }

    pub(super) fn unasked(&self, bytes: &[u8]) -> WrongReply {
        let mismatch = Mismatch {
            offset: 0,
            expected: "nothing".into(),
            expected_bytes: Vec::new(),
            before: Vec::new(),
            found: bytes[..bytes.len().min(SHOWN / 2)].to_vec(),
            pointer: None,
        };
        WrongReply { unasked: true, request: Vec::new(), ..self.wrong(mismatch) }
    }
}
