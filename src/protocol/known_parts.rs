//! Messages whose bytes the client knows before the exchange: literals, the token and the payload.

use super::reply::ReplyEndRule;
use super::template::{Encoding, KnownBytes, TemplatePart, TemplatePiece, Value};
use super::token::Token;
use super::turn::Turn;

/// A part of a request or a reply whose bytes the client knows before it sends the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum KnownPart {
    /// The part has these bytes in every exchange.
    Bytes(Vec<u8>),
    /// The part is this many characters from the beginning of the token.
    Token(usize),
    /// The part is the payload.
    Payload,
}

impl Turn {
    /// Returns the parts of a request with a payload of `payload` bytes, as a byte stream carries them.
    ///
    /// Returns `None` if the request is a JSON message, or if it holds the token or the payload in another form.
    pub(crate) fn request_parts(&self, payload: usize) -> Option<Vec<KnownPart>> {
        if self.envelope.is_some() {
            return None;
        }
        let mut parts = known_parts(&self.send.parts, payload)?;
        if let Some(number) = self.prefix {
            let length: usize = parts.iter().map(|part| part.length(payload)).sum();
            parts.insert(0, KnownPart::Bytes(number.encode(length as u64)));
        }
        Some(parts)
    }

    /// Returns the parts of the reply to a request with a payload of `payload` bytes.
    ///
    /// Returns `None` if the server chooses a byte of the reply, or if the reply ends with the connection. A reply that
    /// differs from the parts may still match the protocol, because a length can be written in several ways.
    pub(crate) fn reply_parts(&self, payload: usize) -> Option<Vec<KnownPart>> {
        match self.reply.frame {
            ReplyEndRule::Pattern | ReplyEndRule::Length { .. } => {
                known_parts(&self.reply.template.parts, payload)
            }
            ReplyEndRule::Prefix(number) => {
                let mut parts = known_parts(&self.reply.template.parts, payload)?;
                let length: usize = parts.iter().map(|part| part.length(payload)).sum();
                parts.insert(0, KnownPart::Bytes(number.encode(length as u64)));
                Some(parts)
            }
            ReplyEndRule::Nothing | ReplyEndRule::Http(_) | ReplyEndRule::End | ReplyEndRule::Json(_) => None,
        }
    }

    /// Whether the expected replies to two requests differ in the token alone, and end before the connection does.
    pub(crate) fn reply_varies_by_token_alone(&self) -> bool {
        let ends_alone =
            !matches!(self.reply.frame, ReplyEndRule::Nothing | ReplyEndRule::End | ReplyEndRule::Json(_));
        let varies_otherwise = |piece: &TemplatePiece| match piece {
            TemplatePiece::Known(known) => !is_constant(known) && !is_token(known),
            TemplatePiece::Nulls(_) => true,
            TemplatePiece::Bytes(_) | TemplatePiece::Wildcard(_) => false,
        };
        ends_alone && self.reply.template.find(varies_otherwise).is_none()
    }
}

impl KnownPart {
    /// Returns the length of the part if the payload has `payload` bytes.
    pub(crate) fn length(&self, payload: usize) -> usize {
        match self {
            KnownPart::Bytes(bytes) => bytes.len(),
            KnownPart::Token(length) => *length,
            KnownPart::Payload => payload,
        }
    }
}

fn known_parts(parts: &[TemplatePart], payload: usize) -> Option<Vec<KnownPart>> {
    parts.iter().map(|part| known_part(&part.piece, payload)).collect()
}

fn known_part(piece: &TemplatePiece, payload: usize) -> Option<KnownPart> {
    match piece {
        TemplatePiece::Bytes(bytes) => Some(KnownPart::Bytes(bytes.clone())),
        TemplatePiece::Known(known) if is_constant(known) => {
            Some(KnownPart::Bytes(known.bytes(&Token::new(0), &vec![0; payload])))
        }
        TemplatePiece::Known(KnownBytes { value, encoding: Encoding::Raw, length: None }) => match value {
            Value::Token(length) => Some(KnownPart::Token(*length)),
            Value::Payload => Some(KnownPart::Payload),
            Value::Id | Value::Pid(_) => None,
        },
        TemplatePiece::Known(_) | TemplatePiece::Wildcard(_) | TemplatePiece::Nulls(_) => None,
    }
}

/// Whether the placeholder has the same bytes in all exchanges whose payloads have one length.
fn is_constant(known: &KnownBytes) -> bool {
    match known.value {
        Value::Token(_) | Value::Payload => known.length.is_some(),
        Value::Pid(_) => true,
        Value::Id => false,
    }
}

/// Whether the placeholder stands for the whole token as it is.
fn is_token(known: &KnownBytes) -> bool {
    matches!(known, KnownBytes { value: Value::Token(Token::LENGTH), encoding: Encoding::Raw, length: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Protocol;

    fn joined(parts: &[KnownPart], token: Token, payload: &[u8]) -> Vec<u8> {
        let bytes = |part: &KnownPart| match part {
            KnownPart::Bytes(bytes) => bytes.clone(),
            KnownPart::Token(length) => token.as_bytes()[..*length].to_vec(),
            KnownPart::Payload => payload.to_vec(),
        };
        parts.iter().flat_map(bytes).collect()
    }

    #[test]
    fn parts_make_the_request_and_a_reply_that_matches() {
        let payload: &[u8] = b"twelve bytes and more";
        for name in ["echo", "redis", "memcached", "beanstalkd"] {
            let protocol = Protocol::built_in(name).unwrap();
            let turn = protocol.payload_turn().unwrap_or(&protocol.turns()[0]);
            let request = turn.new_request(Token::new(7), Some(payload.into()));
            let Some(parts) = turn.request_parts(payload.len()) else { continue };
            assert_eq!(joined(&parts, Token::new(7), payload), request.bytes(), "{name}");
            let Some(parts) = turn.reply_parts(payload.len()) else { continue };
            let reply = joined(&parts, Token::new(7), payload);
            let mut matcher = request.expected().matcher();
            let progress = matcher.push(&reply);
            let complete = matches!(progress, crate::protocol::ReplyProgress::Complete { consumed, .. } if consumed == reply.len());
            assert!(complete, "{name}: {progress:?}");
        }
    }

    #[test]
    fn http_reply_varies_by_the_token_alone() {
        let protocol = Protocol::built_in("http").unwrap();
        assert!(protocol.turns()[0].reply_varies_by_token_alone());
        assert!(protocol.turns()[0].reply_parts(0).is_none());
        assert!(!Protocol::built_in("redis").unwrap().turns()[0].reply_varies_by_token_alone());
    }
}
