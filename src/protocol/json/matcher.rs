//! Matches one JSON reply while its bytes arrive.

use std::sync::Arc;

use super::{Envelope, JsonReply, Splitter, Unit, Value};
use crate::protocol::mismatch::Mismatch;

/// The maximum number of bytes of a wrong JSON message that a report shows.
const SHOWN: usize = 160;

/// Matches the next JSON message of a connection with the expected reply, whatever the message's id.
#[derive(Debug)]
pub(in crate::protocol) struct JsonMatcher {
    reply: Arc<JsonReply>,
    splitter: Splitter,
}

impl JsonMatcher {
    pub(in crate::protocol) fn new(reply: Arc<JsonReply>, envelope: Envelope) -> JsonMatcher {
        JsonMatcher { reply, splitter: Splitter::new(envelope) }
    }

    /// Adds received bytes to the JSON message. Once it is complete, returns how many of the bytes belong to it.
    pub(in crate::protocol) fn push(&mut self, bytes: &[u8]) -> Result<Option<usize>, Mismatch> {
        let before = self.splitter.rest().len();
        self.splitter.push(bytes);
        let Some(unit) = self.splitter.next_unit() else { return Ok(None) };
        let value = parse(&unit, self.splitter.envelope())?;
        compare(&self.reply, &value, &unit.raw)?;
        Ok(Some(unit.raw.len() - before))
    }
}

/// Parses the JSON value in `unit`, which is one piece of a stream.
pub(in crate::protocol) fn parse(unit: &Unit, envelope: Envelope) -> Result<Value, Mismatch> {
    let Some(body) = unit.body.clone() else {
        return Err(mismatch(0, envelope.describe().into(), &unit.raw));
    };
    if unit.bare_line_ends {
        return Err(mismatch(0, "a head whose lines end with `\\r\\n`".into(), &unit.raw));
    }
    Value::parse(&unit.raw[body.clone()]).map_err(|error| {
        let expected = match error.common_fault(envelope, &unit.raw[body.clone()]) {
            Some(fault) => format!("{}, not {fault}", envelope.describe()),
            None => format!("{} ({})", envelope.describe(), error.message),
        };
        let at = (body.start + error.offset).min(unit.raw.len().saturating_sub(1));
        Mismatch { before: tail(&unit.raw[..at]), ..mismatch(at, expected, &unit.raw[at..]) }
    })
}

/// Returns the JSON value that is left when a byte order mark and escape sequences are removed from `text`.
pub(in crate::protocol) fn parse_decorated(text: &[u8]) -> Option<Value> {
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte == 0x1b {
            let end = rest.iter().position(u8::is_ascii_alphabetic)?;
            rest = &rest[end + 1..];
        } else {
            plain.push(byte);
        }
    }
    Value::parse(&plain).ok()
}

/// Compares a JSON message with the reply that is due.
pub(in crate::protocol) fn compare(reply: &JsonReply, found: &Value, raw: &[u8]) -> Result<(), Mismatch> {
    reply.compare(found).map_err(|difference| Mismatch {
        pointer: Some(difference.pointer.into()),
        before: Vec::new(),
        ..mismatch(0, format!("{}, found {}", difference.expected, difference.found), raw)
    })
}

/// Returns the mismatch of a message that no request asked for.
pub(in crate::protocol) fn unasked(raw: &[u8]) -> Mismatch {
    mismatch(0, "no message that belongs to no request".into(), raw)
}

fn tail(bytes: &[u8]) -> Vec<u8> {
    bytes[bytes.len().saturating_sub(24)..].to_vec()
}

fn mismatch(offset: usize, expected: String, found: &[u8]) -> Mismatch {
    Mismatch {
        offset: offset as u64,
        expected,
        expected_bytes: Vec::new(),
        before: Vec::new(),
        found: found[..found.len().min(SHOWN)].to_vec(),
        pointer: None,
    }
}
