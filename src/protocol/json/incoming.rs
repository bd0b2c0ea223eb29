//! Messages that a server may send without being asked.

use super::{Envelope, JsonPattern, Value};
use crate::protocol::template::{KnownBytes, Template, TemplatePiece, Value as Of};

/// A kind of message that a server may send by itself, and the answer that the client gives to it, if any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::protocol) struct Incoming {
    pub(in crate::protocol) pattern: JsonPattern,
    pub(in crate::protocol) answer: Option<Template>,
}

impl Incoming {
    /// Whether `message`, which the server sent by itself, is of this kind.
    pub(in crate::protocol) fn matches(&self, message: &Value) -> bool {
        self.pattern.compare(None, message).is_ok()
    }

    /// Returns the bytes that answer `message`, which the server sent by itself.
    pub(in crate::protocol) fn answer(&self, message: &Value, envelope: Envelope) -> Option<Vec<u8>> {
        let id = self.pattern.id_in(message).unwrap_or_default();
        let (body, _) = self.answer.as_ref()?.render(|piece| match piece {
            TemplatePiece::Known(KnownBytes { value: Of::Id, .. }) => id.clone().into_bytes(),
            TemplatePiece::Nulls(pointer) => message.nulls(pointer).into_bytes(),
            _ => Vec::new(),
        });
        Some(envelope.wrap(&body))
    }
}
