//! Contradictions within one turn.

use super::definition::Carrier;
use super::error::FileError;
use super::number::{Kind, Number};
use super::reply::{Frame, ReplyTemplate};
use super::template::{Class, Known, Part, Piece, Value, Wildcard, Written};
use super::turn::Turn;

/// A turn as the protocol file states it, before the rules have accepted it.
pub(super) struct Draft<'d, 'a> {
    pub(super) turn: &'d Turn,
    pub(super) send: &'d Written<'a>,
    pub(super) expect: Option<&'d Written<'a>>,
    pub(super) over: &'d [Carrier],
}

impl Draft<'_, '_> {
    pub(super) fn check(&self) -> Result<(), FileError> {
        self.request_is_exact()?;
        self.payload_has_an_end()?;
        self.reply_knows_the_request()?;
        check_reply(&self.turn.reply, self.expect, self.over)
    }

    /// Checks the rule that a request is not empty, and all of its bytes are known.
    fn request_is_exact(&self) -> Result<(), FileError> {
        let send = &self.turn.send;
        if send.parts.is_empty() {
            let error = self.send.source.error(self.send.span.clone(), "an empty request");
            return Err(error.expecting("expected bytes to send"));
        }
        let error = |part: &Part, message: &str| self.send.source.error(part.span.clone(), message);
        if let Some(part) = send.find(|piece| matches!(piece, Piece::Nulls(_))) {
            return Err(error(part, "nothing was received yet").expecting("`{nulls:…}` stands in answers"));
        }
        if let Some(part) = send.find(|piece| matches!(piece, Piece::Wildcard(_))) {
            return Err(error(part, "the client cannot send what the server chooses")
                .expecting("expected bytes, `{token}` or `{payload}`"));
        }
        let counted = |piece: &Piece| matches!(piece, Piece::Known(known) if known.value == Value::Payload);
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
        let raw = send.find_value(Known::is_payload_itself);
        let counted = |piece: &Piece| matches!(piece, Piece::Known(known) if known.value == Value::Payload && known.length.is_some());
        let is_all = send.parts.len() == 1;
        let Some(part) = raw.filter(|_| !is_all) else { return Ok(()) };
        let delimited = self.turn.prefix.is_none() && send.find(counted).is_none();
        if !delimited || !self.over.contains(&Carrier::Stream) {
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
        let error = |part: &Part, message: &str| expect.source.error(part.span.clone(), message);
        let sent = send.parts.iter().filter_map(|part| token_length(&part.piece)).max();
        for part in &reply.parts {
            let Piece::Known(known) = &part.piece else { continue };
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

fn token_length(piece: &Piece) -> Option<usize> {
    match piece {
        Piece::Known(Known { value: Value::Token(length), length: None, .. }) => Some(*length),
        _ => None,
    }
}

/// Returns an error for a reply whose end, or a length in it, cannot be found.
pub(super) fn check_reply(
    reply: &ReplyTemplate,
    expect: Option<&Written<'_>>,
    over: &[Carrier],
) -> Result<(), FileError> {
    let Some(expect) = expect else { return Ok(()) };
    let parts = &reply.template.parts;
    let error = |part: &Part, message: &str| expect.source.error(part.span.clone(), message);
    lengths_have_bodies(parts, &error)?;
    counts_come_first(parts, &error)?;
    let streams = over.contains(&Carrier::Stream);
    if let (Some(last), Frame::Pattern, true) = (parts.last(), reply.frame, streams)
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

fn is_open(piece: &Piece) -> bool {
    match piece {
        Piece::Wildcard(Wildcard::Class { most, .. }) => most.is_none(),
        Piece::Wildcard(Wildcard::Length(number)) => has_digits(*number),
        Piece::Wildcard(Wildcard::Lines(_)) => true,
        _ => false,
    }
}

/// Checks that each `{length}` has one `{body}` after it, and each `{body}` one `{length}` before it.
fn lengths_have_bodies(parts: &[Part], error: &impl Fn(&Part, &str) -> FileError) -> Result<(), FileError> {
    let mut open: Option<&Part> = None;
    for (index, part) in parts.iter().enumerate() {
        match &part.piece {
            Piece::Wildcard(Wildcard::Length(_)) if open.is_some() => {
                return Err(error(part, "a second length before the first one's body")
                    .expecting("expected `{body}` before it"));
            }
            Piece::Wildcard(Wildcard::Length(number)) => {
                let next = parts.get(index + 1).map(|next| &next.piece);
                let unclear =
                    has_digits(*number) && next.is_some_and(|next| may_begin_with_digit(next, *number));
                if unclear {
                    return Err(error(part, "the length has no end: a digit may follow it")
                        .expecting("expected a byte that is no digit after it"));
                }
                open = Some(part);
            }
            Piece::Wildcard(Wildcard::Body) if open.take().is_none() => {
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

/// Refuses a long count right after `{any}`: a thread would follow from each byte. The other order matches the same.
fn counts_come_first(parts: &[Part], error: &impl Fn(&Part, &str) -> FileError) -> Result<(), FileError> {
    const SHORT: u64 = 64;
    let wrong = parts.windows(2).find(|pair| {
        let [before, after] = pair else { return false };
        let open = matches!(before.piece, Piece::Wildcard(Wildcard::Class { most: None, .. }));
        open && matches!(after.piece, Piece::Wildcard(Wildcard::Class { most: Some(most), .. }) if most > SHORT)
    });
    match wrong {
        Some([before, _]) => Err(error(before, "this comes right before a long count of bytes")
            .expecting("expected the count first, then what varies")),
        _ => Ok(()),
    }
}

fn has_digits(number: Number) -> bool {
    matches!(number.kind, Kind::Decimal | Kind::Hexadecimal)
}

fn may_begin_with_digit(piece: &Piece, number: Number) -> bool {
    let is_digit = |byte: &u8| match number.kind {
        Kind::Decimal => byte.is_ascii_digit(),
        _ => byte.is_ascii_hexdigit(),
    };
    match piece {
        Piece::Bytes(bytes) => bytes.first().is_some_and(is_digit),
        Piece::Wildcard(Wildcard::Class { class: Class::Space, .. }) => false,
        Piece::Wildcard(_) | Piece::Known(_) | Piece::Nulls(_) => true,
    }
}
