//! Finds contradictions within one request and its reply in a protocol file.

use super::definition::TransportKind;
use super::error::FileError;
use super::number::{LengthEncoding, LengthFormat};
use super::reply::{ReplyEndRule, ReplyTemplate};
use super::template::{ByteClass, KnownBytes, TemplatePart, TemplatePiece, TemplateText, Value, Wildcard};
use super::turn::Turn;

/// A turn as the protocol file states it, before the rules have accepted it.
pub(super) struct DraftTurn<'d, 'a> {
    pub(super) turn: &'d Turn,
    pub(super) send: &'d TemplateText<'a>,
    pub(super) expect: Option<&'d TemplateText<'a>>,
    pub(super) over: &'d [TransportKind],
}

impl DraftTurn<'_, '_> {
    pub(super) fn check(&self) -> Result<(), FileError> {
        self.request_is_exact()?;
        self.payload_has_an_end()?;
        self.reply_knows_the_request()?;
        check_reply(&self.turn.reply, self.expect, self.over)
    }

    /// Checks the rule that a request is not empty, and that all of its bytes are known.
    fn request_is_exact(&self) -> Result<(), FileError> {
        let send = &self.turn.send;
        if send.parts.is_empty() {
            let error = self.send.source.error(self.send.span.clone(), "an empty request");
            return Err(error.expecting("expected bytes to send"));
        }
        let error = |part: &TemplatePart, message: &str| self.send.source.error(part.span.clone(), message);
        if let Some(part) = send.find(|piece| matches!(piece, TemplatePiece::Nulls(_))) {
            return Err(error(part, "nothing was received yet").expecting("`{nulls:…}` stands in answers"));
        }
        if let Some(part) = send.find(|piece| matches!(piece, TemplatePiece::Wildcard(_))) {
            return Err(error(part, "the client cannot send what the server chooses")
                .expecting("expected bytes, `{token}` or `{payload}`"));
        }
        let counted = |piece: &TemplatePiece| matches!(piece, TemplatePiece::Known(known) if known.value == Value::Payload);
        match send.find(counted) {
            Some(part) if !send.has_payload() => Err(error(part, "the length of a payload that is not sent")
                .expecting("expected `{payload}` in this request too")),
            _ => Ok(()),
        }
    }

    /// Checks that no delimiter ends a payload, because a payload can hold any byte.
    fn payload_has_an_end(&self) -> Result<(), FileError> {
        let send = &self.turn.send;
        if self.turn.envelope.is_some() {
            return Ok(());
        }
        let raw = send.find_value(KnownBytes::is_payload_itself);
        let counted = |piece: &TemplatePiece| matches!(piece, TemplatePiece::Known(known) if known.value == Value::Payload && known.length.is_some());
        let is_all = send.parts.len() == 1;
        let Some(part) = raw.filter(|_| !is_all) else { return Ok(()) };
        let delimited = self.turn.prefix.is_none() && send.find(counted).is_none();
        if !delimited || !self.over.contains(&TransportKind::Stream) {
            return Ok(());
        }
        let error =
            self.send.source.error(part.span.clone(), "a payload can hold any byte: where does it end?");
        Err(error
            .expecting("expected `{payload.len}` before it")
            .help("write `{payload.hex}` or `{payload.base64}` in a text that ends with a delimiter"))
    }

    /// Checks that a reply repeats only the token or payload that its request carries.
    fn reply_knows_the_request(&self) -> Result<(), FileError> {
        let (send, reply) = (&self.turn.send, &self.turn.reply.template);
        let Some(expect) = self.expect else { return Ok(()) };
        let error = |part: &TemplatePart, message: &str| expect.source.error(part.span.clone(), message);
        let sent = send.parts.iter().filter_map(|part| token_length(&part.piece)).max();
        for part in &reply.parts {
            let TemplatePiece::Known(known) = &part.piece else { continue };
            match known.value {
                Value::Payload if !send.has_payload() => {
                    return Err(error(part, "a payload comes back that is not sent")
                        .expecting("expected `{payload}` in the request"));
                }
                Value::Id if !send.has_id() => {
                    return Err(error(part, "an id comes back that is not sent")
                        .expecting("expected `{id}` in the request"));
                }
                Value::Token(_) if sent.is_none() => {
                    return Err(error(part, "a token comes back that is not sent")
                        .expecting("expected `{token}` in the request"));
                }
                Value::Token(length) if sent < Some(length) => {
                    let sent = sent.unwrap_or_default();
                    let message =
                        format!("more of the token comes back than the {sent} characters that are sent");
                    return Err(error(part, &message).expecting(format!("expected `{{token:{sent}}}`")));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn token_length(piece: &TemplatePiece) -> Option<usize> {
    match piece {
        TemplatePiece::Known(KnownBytes { value: Value::Token(length), length: None, .. }) => Some(*length),
        _ => None,
    }
}

/// Returns an error for a reply whose end, or a length in it, cannot be found.
pub(super) fn check_reply(
    reply: &ReplyTemplate,
    expect: Option<&TemplateText<'_>>,
    over: &[TransportKind],
) -> Result<(), FileError> {
    let Some(expect) = expect else { return Ok(()) };
    let parts = &reply.template.parts;
    let error = |part: &TemplatePart, message: &str| expect.source.error(part.span.clone(), message);
    lengths_have_bodies(parts, &error)?;
    counts_come_first(parts, &error)?;
    let streams = over.contains(&TransportKind::Stream);
    if let (Some(last), ReplyEndRule::Pattern, true) = (parts.last(), reply.frame, streams)
        && is_open(&last.piece)
    {
        return Err(error(last, "this takes everything that comes: where does the reply end?")
            .expecting("expected something after it")
            .help(
                r#"write what ends the reply, such as `\n`; or `frame = "end"` if the connection's end does"#,
            ));
    }
    Ok(())
}

fn is_open(piece: &TemplatePiece) -> bool {
    match piece {
        TemplatePiece::Wildcard(Wildcard::Class { most, .. }) => most.is_none(),
        TemplatePiece::Wildcard(Wildcard::Length(number)) => has_digits(*number),
        TemplatePiece::Wildcard(Wildcard::Lines(_)) => true,
        _ => false,
    }
}

/// Checks that each `{length}` has one `{body}` after it, and each `{body}` one `{length}` before it.
fn lengths_have_bodies(
    parts: &[TemplatePart],
    error: &impl Fn(&TemplatePart, &str) -> FileError,
) -> Result<(), FileError> {
    let mut open: Option<&TemplatePart> = None;
    for (index, part) in parts.iter().enumerate() {
        match &part.piece {
            TemplatePiece::Wildcard(Wildcard::Length(_)) if open.is_some() => {
                return Err(error(part, "a second length before the first one's body")
                    .expecting("expected `{body}` before it"));
            }
            TemplatePiece::Wildcard(Wildcard::Length(number)) => {
                let next = parts.get(index + 1).map(|next| &next.piece);
                let unclear =
                    has_digits(*number) && next.is_some_and(|next| may_begin_with_digit(next, *number));
                if unclear {
                    return Err(error(part, "the length has no end: a digit may follow it")
                        .expecting("expected a byte that is no digit after it"));
                }
                open = Some(part);
            }
            TemplatePiece::Wildcard(Wildcard::Body) if open.take().is_none() => {
                return Err(error(part, "a body whose length is not known")
                    .expecting("expected `{length}` before it"));
            }
            _ => {}
        }
    }
    match open {
        Some(part) => Err(error(part, "a length without a body").expecting("expected `{body}` after it")),
        None => Ok(()),
    }
}

/// Returns an error for a large count of bytes right after `{any}`, which would need one way of matching for each byte.
/// The other order matches the same replies.
fn counts_come_first(
    parts: &[TemplatePart],
    error: &impl Fn(&TemplatePart, &str) -> FileError,
) -> Result<(), FileError> {
    const SHORT: u64 = 64;
    let wrong = parts.windows(2).find(|pair| {
        let [before, after] = pair else { return false };
        let open = matches!(before.piece, TemplatePiece::Wildcard(Wildcard::Class { most: None, .. }));
        open && matches!(after.piece, TemplatePiece::Wildcard(Wildcard::Class { most: Some(most), .. }) if most > SHORT)
    });
    match wrong {
        Some([before, _]) => Err(error(before, "this comes right before a long count of bytes")
            .expecting("expected the count first, then what varies")),
        _ => Ok(()),
    }
}

fn has_digits(number: LengthFormat) -> bool {
    matches!(number.kind, LengthEncoding::Decimal | LengthEncoding::Hexadecimal)
}

fn may_begin_with_digit(piece: &TemplatePiece, number: LengthFormat) -> bool {
    let is_digit = |byte: &u8| match number.kind {
        LengthEncoding::Decimal => byte.is_ascii_digit(),
        _ => byte.is_ascii_hexdigit(),
    };
    match piece {
        TemplatePiece::Bytes(bytes) => bytes.first().is_some_and(is_digit),
        TemplatePiece::Wildcard(Wildcard::Class { class: ByteClass::Space, .. }) => false,
        TemplatePiece::Wildcard(_) | TemplatePiece::Known(_) | TemplatePiece::Nulls(_) => true,
    }
}
