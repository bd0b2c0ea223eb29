//! Protocols whose messages are JSON: how a stream is cut into messages, and how JSON values are compared.

#[cfg(not(feature = "json"))]
mod absent;
#[cfg(not(feature = "json"))]
use absent as value;
mod audit;
mod incoming;
mod matcher;
mod splitter;
#[cfg(feature = "json")]
mod value;

use super::token::Token;

pub use self::audit::Stray;
pub(super) use self::audit::{find_carriage_return, find_stray};
pub(super) use self::incoming::Incoming;
pub(super) use self::matcher::{JsonMatcher, compare, parse, parse_decorated, unasked};
pub(super) use self::splitter::{Splitter, Unit};
pub(super) use self::value::{JsonPattern, Value};

/// The way in which a byte stream is cut into JSON messages, in both directions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Envelope {
    /// Each JSON message is one line of the stream.
    Lines,
    /// A head with `Content-Length` precedes each JSON message, as in the Language Server Protocol.
    ContentLength,
}

impl Envelope {
    pub(super) const NAMES: [(&str, Envelope); 2] =
        [("lines", Envelope::Lines), ("content-length", Envelope::ContentLength)];

    /// Returns the bytes that precede and follow a JSON message of `length` bytes in the stream.
    pub(super) fn around(self, length: usize) -> (Vec<u8>, &'static [u8]) {
        match self {
            Envelope::Lines => (Vec::new(), b"\n"),
            Envelope::ContentLength => (format!("Content-Length: {length}\r\n\r\n").into_bytes(), b""),
        }
    }

    /// Returns `body`, a JSON text, as it stands in a byte stream.
    pub(super) fn wrap(self, body: &[u8]) -> Vec<u8> {
        let (head, tail) = self.around(body.len());
        [&head, body, tail].concat()
    }

    /// Returns a description of how one message looks in the stream, for errors.
    pub(super) fn describe(self) -> &'static str {
        match self {
            Envelope::Lines => "a line that is one JSON value",
            Envelope::ContentLength => "a JSON value after a head with `Content-Length`",
        }
    }
}

/// A kind of JSON value that a placeholder such as `{any}` or `{string}` stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Any,
    String,
    Number,
    Array,
    Object,
}

impl Kind {
    pub(super) const NAMES: [(&str, Kind); 5] = [
        ("any", Kind::Any),
        ("string", Kind::String),
        ("number", Kind::Number),
        ("array", Kind::Array),
        ("object", Kind::Object),
    ];

    pub(super) fn name(self) -> &'static str {
        Kind::NAMES.iter().find(|(_, kind)| *kind == self).map_or("any", |(name, _)| name)
    }
}

/// The error of parsing a text that is no JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Malformed {
    /// The offset of the first wrong byte in the JSON text.
    pub(super) offset: usize,
    pub(super) message: String,
    /// Whether the text ends before the value does.
    pub(super) is_cut: bool,
}

impl Malformed {
    /// Returns the reason why `text`, which a stream of this `envelope` holds as one message, is no JSON value, if the
    /// reason is a common fault.
    fn common_fault(&self, envelope: Envelope, text: &[u8]) -> Option<&'static str> {
        let is_message = text.first() == Some(&b'{');
        match envelope {
            Envelope::Lines if is_message && text.get(self.offset) == Some(&b'{') && !self.is_cut => {
                let is_whole = Value::parse(&text[..self.offset]).is_ok();
                is_whole.then_some("two messages that share one line")
            }
            Envelope::ContentLength if is_message && self.is_cut => Some(
                "a JSON text that Content-Length cuts off: it counts bytes, and the server may have counted characters",
            ),
            _ => None,
        }
    }
}

/// The first place where a JSON value differs from the expected one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Difference {
    /// The JSON pointer (RFC 6901) of the differing value.
    pub(super) pointer: String,
    pub(super) expected: String,
    pub(super) found: String,
}

/// The expected reply to one request, as a JSON pattern.
#[derive(Debug, Clone)]
pub(super) struct JsonReply {
    pub(super) pattern: JsonPattern,
    pub(super) token: Token,
}

impl JsonReply {
    /// Whether `found` is the reply to this request, right or wrong: it holds the id or token of the request wherever
    /// the pattern has one.
    pub(super) fn belongs(&self, found: &Value) -> bool {
        self.pattern.belongs(&self.token, found)
    }

    pub(super) fn compare(&self, found: &Value) -> Result<(), Difference> {
        self.pattern.compare(Some(self.token.id()), found)
    }
}
