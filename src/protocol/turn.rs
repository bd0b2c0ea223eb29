//! One request and the shape of its reply, and the request as it is sent.

use std::sync::Arc;

use super::error::{FileError, MistakePlace};
use super::json::{Envelope, JsonPattern, JsonReply, Value as Json};
use super::number::LengthFormat;
use super::pattern::Pattern;
use super::reply::{ExpectedReply, ReplyEndRule, ReplyTemplate};
use super::template::{Encoding, KnownBytes, Template, TemplatePart, TemplatePiece, Value};
use super::token::Token;

/// One request of a protocol and the reply that a server must send to it, as the protocol file describes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    pub(super) send: Template,
    pub(super) reply: ReplyTemplate,
    /// The encoding of the request's length, which precedes the request on byte streams.
    pub(super) prefix: Option<LengthFormat>,
    /// The framing of the request, if the request is a JSON message.
    pub(super) envelope: Option<Envelope>,
    pub(super) payload_max: Option<u64>,
    /// The place of the reply in the protocol file of a user; `None` for a built-in protocol.
    pub(super) place: Option<Arc<MistakePlace>>,
}

impl Turn {
    /// Returns the request of one exchange, with this token and payload.
    ///
    /// Without a `payload`, a turn that carries nothing but one carries the token as its payload.
    #[must_use]
    pub fn new_request(&self, token: Token, payload: Option<Arc<[u8]>>) -> Request {
        let payload = payload.unwrap_or_else(|| {
            let alone = self.send.has_payload() && !self.send.has_token();
            if alone { token.as_bytes().into() } else { [].into() }
        });
        let (mut bytes, mut edges) = self.send.render(|piece| match piece {
            TemplatePiece::Known(known) => known.bytes(&token, &payload),
            // The parser allows no others in a request.
            _ => Vec::new(),
        });
        let (prefix, suffix) = match self.envelope {
            Some(envelope) => envelope.around(bytes.len()),
            None => {
                let prefix = self.prefix.map(|number| number.encode(bytes.len() as u64));
                (prefix.unwrap_or_default(), &b""[..])
            }
        };
        let prefix_length = prefix.len();
        if prefix_length > 0 {
            bytes.splice(0..0, prefix);
            edges.iter_mut().for_each(|edge| *edge += prefix_length);
        }
        bytes.extend_from_slice(suffix);
        let json = match self.reply.frame {
            ReplyEndRule::Json(_) => {
                JsonPattern::parse(&self.reply.template.json_pattern(&token, &payload).0)
                    .ok()
                    .map(|pattern| Arc::new(JsonReply { pattern, token }))
            }
            _ => None,
        };
        let pattern = match self.reply.frame {
            ReplyEndRule::Json(_) => Pattern::default(),
            _ => Pattern::new(&self.reply.template, &token, &payload),
        };
        let expected = ExpectedReply {
            pattern: Arc::new(pattern),
            frame: self.reply.frame,
            head_request: bytes.starts_with(b"HEAD "),
            json,
        };
        Request { bytes, prefix_length, edges, token, payload, expected }
    }

    /// Whether the reply holds the token or payload of its own request, so that a reply to another request is
    /// recognised.
    #[must_use]
    pub fn token_comes_back(&self) -> bool {
        let reply = &self.reply.template;
        reply.has_token() || reply.has_payload() || reply.has_id()
    }

    /// Returns an error that shows the reply in the protocol file, with `message`. `None` for a turn of a built-in
    /// protocol.
    pub(crate) fn error_at_reply(&self, message: &str) -> Option<FileError> {
        let place = Box::new(MistakePlace::clone(self.place.as_ref()?));
        Some(FileError { message: message.into(), expected: String::new(), help: None, place })
    }

    /// Whether the request carries arbitrary bytes that its reply repeats.
    #[must_use]
    pub fn carries_payload(&self) -> bool {
        self.send.has_payload() && self.reply.template.has_payload()
    }

    /// Whether the request carries arbitrary bytes, repeated in the reply or not.
    #[must_use]
    pub fn takes_payload(&self) -> bool {
        self.send.has_payload()
    }

    /// Whether the protocol file says how long a payload the server takes.
    pub(crate) fn declares_payload_max(&self) -> bool {
        self.payload_max.is_some()
    }

    /// Returns the length of the longest payload of one request, if there is a limit.
    #[must_use]
    pub fn max_payload(&self) -> Option<u64> {
        let prefix = self.prefix.filter(|_| self.takes_payload()).map(|number| {
            // The rest of the message counts too, and base64 needs four bytes for three.
            let room = number.max_length().saturating_sub(self.overhead());
            if self.send.find_value(KnownBytes::is_encoded_payload).is_some() { room / 2 } else { room }
        });
        let said = [&self.send, &self.reply.template].into_iter().filter_map(Template::longest_payload).min();
        [self.payload_max, prefix, self.room_in_reply(), said].into_iter().flatten().min()
    }

    /// Returns the length of the longest payload that the reply can repeat, if a length says where the reply ends.
    fn room_in_reply(&self) -> Option<u64> {
        let number = match self.reply.frame {
            ReplyEndRule::Prefix(number) | ReplyEndRule::Length { number, .. } => number,
            _ => return None,
        };
        let template = &self.reply.template;
        let most = number.max_length();
        let without_payload = Pattern::new(template, &Token::new(0), &[].into()).fixed_length();
        // Parts whose length varies may take up to half of the reply.
        let room = without_payload.map_or(most / 2, |length| most.saturating_sub(length));
        let is_encoded = template.find_value(KnownBytes::is_encoded_payload).is_some();
        template.has_payload().then_some(if is_encoded { room / 2 } else { room })
    }

    /// Returns the turn with a string for the id of each exchange: `text` and the token. `None` if the turn has no id, in
    /// the request or in the reply, that stands for a whole JSON value.
    pub(crate) fn with_text_id(&self, text: &str) -> Option<Turn> {
        let token = KnownBytes { value: Value::Token(Token::LENGTH), encoding: Encoding::Raw, length: None };
        let pieces = [
            TemplatePiece::Bytes(format!("\"{text}").into_bytes()),
            TemplatePiece::Known(token),
            TemplatePiece::Bytes(b"\"".to_vec()),
        ];
        self.changed(|template| template.replace_id(&pieces))
    }

    /// Returns the turn with the JSON text `id` for its id. `None` if the turn has no id, in the request or in the
    /// reply, that stands for a whole JSON value.
    pub(crate) fn with_id(&self, id: &str) -> Option<Turn> {
        self.changed(|template| template.replace_id(&[TemplatePiece::Bytes(id.into())]))
    }

    /// Returns the turn with `text` before its payload. `None` if the request and the reply have no payload in a JSON
    /// string.
    pub(crate) fn with_text_before_payload(&self, text: &str) -> Option<Turn> {
        self.changed(|template| template.insert_before_payload(text))
    }

    /// Returns the turn with its request and its reply changed by `change`. `None` if that returns false, or if they are
    /// no longer JSON.
    fn changed(&self, change: impl Fn(&mut Template) -> bool) -> Option<Turn> {
        self.envelope?;
        let mut turn = self.clone();
        for template in [&mut turn.send, &mut turn.reply.template] {
            change(template).then_some(())?;
        }
        let request = turn.new_request(Token::new(0), Some([].into()));
        let is_json = Json::parse(request.body()).is_ok() && request.expected.json.is_some();
        is_json.then_some(turn)
    }

    /// Returns the turn with a reply that need only have the id of its request: a result or an error. `None` if the
    /// reply has no id.
    pub(crate) fn answered_anyhow(&self) -> Option<Turn> {
        let id = self.reply.template.find_value(|known| known.value == Value::Id)?.clone();
        let bytes =
            |text: &[u8]| TemplatePart { piece: TemplatePiece::Bytes(text.to_vec()), span: id.span.clone() };
        let parts = vec![bytes(b"{\"id\":"), id.clone(), bytes(b"}")];
        Some(Turn {
            reply: ReplyTemplate { template: Template { parts }, frame: self.reply.frame },
            ..self.clone()
        })
    }

    /// Whether the reply is the request itself, as JSON.
    pub(crate) fn is_json_echo(&self) -> bool {
        let pieces = |template: &Template| -> Vec<_> {
            template.parts.iter().map(|part| part.piece.clone()).collect()
        };
        self.envelope.is_some() && pieces(&self.send) == pieces(&self.reply.template)
    }

    /// Returns the length in bytes of a request without payload.
    fn overhead(&self) -> u64 {
        self.new_request(Token::new(0), Some([].into())).message().len() as u64
    }

    /// Whether the reply ends only with the connection.
    #[must_use]
    pub fn ends_connection(&self) -> bool {
        self.reply.frame == ReplyEndRule::End
    }

    /// Whether the server replies to the request at all.
    #[must_use]
    pub fn has_reply(&self) -> bool {
        self.reply.frame != ReplyEndRule::Nothing
    }
}

impl KnownBytes {
    fn is_encoded_payload(&self) -> bool {
        self.value == Value::Payload && !self.is_payload_itself()
    }
}

/// The bytes of a request, with the reply that the server must send to it.
#[derive(Debug, Clone)]
pub struct Request {
    bytes: Vec<u8>,
    prefix_length: usize,
    edges: Vec<usize>,
    token: Token,
    payload: Arc<[u8]>,
    expected: ExpectedReply,
}

impl Request {
    /// Returns the bytes of the request on a byte stream.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the bytes of the request as one message, without the length that precedes it on a stream.
    #[must_use]
    pub fn message(&self) -> &[u8] {
        &self.bytes[self.prefix_length..]
    }

    /// Returns the request without the bytes that frame it on a stream, if it is a JSON message.
    #[must_use]
    pub(crate) fn body(&self) -> &[u8] {
        self.message().trim_ascii_end()
    }

    /// Returns the JSON text of the request with the JSON text `value` for its member `name`. `None` if the request is
    /// no JSON object.
    #[must_use]
    pub(crate) fn body_with(&self, name: &str, value: &str) -> Option<Vec<u8>> {
        Json::parse(self.body()).ok()?.with_member(name, value).map(String::into_bytes)
    }

    /// Returns the request in another form: these bytes on a stream.
    #[must_use]
    pub(crate) fn written_as(self, bytes: Vec<u8>) -> Request {
        Request { bytes, prefix_length: 0, edges: Vec::new(), ..self }
    }

    /// Returns the token in the request.
    #[must_use]
    pub fn token(&self) -> Token {
        self.token
    }

    /// Returns the payload in the request.
    #[must_use]
    pub fn payload(&self) -> &Arc<[u8]> {
        &self.payload
    }

    /// Returns the reply that the request asks for.
    #[must_use]
    pub fn expected(&self) -> &ExpectedReply {
        &self.expected
    }

    /// Returns the offsets where cutting the request is most likely to show a mistake, in order.
    ///
    /// They are: after the first byte and before the last; where the template's parts meet; and around
    /// each line end, also between `\r` and `\n`. Not those inside a payload.
    #[must_use]
    pub fn cut_offsets(&self) -> Vec<usize> {
        let length = self.bytes.len();
        let mut cuts = vec![1, length.saturating_sub(1), self.prefix_length];
        cuts.extend(&self.edges);
        let head = &self.bytes[..length.min(Self::SEARCHED)];
        for (at, byte) in head.iter().enumerate() {
            match byte {
                b'\n' => cuts.extend([at, at + 1]),
                b'\r' => cuts.extend([at, at + 1]),
                _ => {}
            }
        }
        cuts.retain(|&cut| 0 < cut && cut < length);
        cuts.sort_unstable();
        cuts.dedup();
        cuts
    }

    /// The number of bytes at a request's beginning in which [`cut_offsets`](Request::cut_offsets) looks for line ends.
    const SEARCHED: usize = 64 * 1024;
}
