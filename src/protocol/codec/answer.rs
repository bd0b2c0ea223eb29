//! Replies as a codec reports them.

use std::fmt;
use std::sync::Arc;

use crate::protocol::mismatch::Mismatch;
use crate::protocol::reply::Reply;
use crate::protocol::token::Token;

/// The part of a connection that a reply belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplyKind {
    /// Nothing: the server spoke first.
    Greeting,
    /// An exchange that begins the connection.
    Opening,
    /// An exchange that the client asked for.
    Exchange,
}

/// The bytes that a codec of JSON accepts beside the replies that are due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Tolerance {
    /// Only messages that the protocol allows.
    #[default]
    None,
    /// Bytes that are no JSON message too, such as a log line.
    Strays,
    /// Anything, also messages that no request asked for.
    Anything,
}

/// A reply that was due, complete and right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CorrectReply {
    /// The part of the connection that the reply belongs to.
    pub part: ReplyKind,
    /// The content that the client wanted to say with the request.
    pub content: Arc<[u8]>,
    /// The token of the exchange, if there was a request.
    pub token: Option<Token>,
    /// The reply.
    pub reply: Reply,
    /// The reply ended before all of the request was written.
    pub early: bool,
}

/// A reply that is wrong, or bytes that no request asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongReply {
    /// The number of the reply on its connection, counted from 1, the greeting included.
    pub number: u64,
    /// No request was unanswered.
    pub unasked: bool,
    /// Not all of the request had been written.
    pub early: bool,
    /// The first bytes of the request. Empty for a greeting.
    pub request: Vec<u8>,
    /// The place where it goes wrong.
    pub mismatch: Box<Mismatch>,
}

impl fmt::Display for WrongReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.unasked {
            write!(f, "bytes that no request asked for, after {} replies", self.number - 1)?;
        } else {
            write!(f, "reply {} is wrong", self.number)?;
            if !self.request.is_empty() {
                write!(f, ", to `{}`", self.request.escape_ascii())?;
            }
        }
        if self.early {
            f.write_str(" (the request had not been sent to its end)")?;
        }
        write!(f, ": {}", self.mismatch)
    }
}

impl std::error::Error for WrongReply {}
