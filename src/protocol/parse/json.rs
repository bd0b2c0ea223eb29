//! Reads the keys of protocols whose messages are JSON.

use super::json_texts::{json_pattern, json_text};
use super::keys::INCOMING_KEYS;
use super::table::Table;
use super::turns::TurnReader;
use crate::protocol::definition::TransportKind;
use crate::protocol::error::{FileError, join_with_or};
use crate::protocol::json::{Envelope, Incoming, JsonPattern, Value};
use crate::protocol::template::{Notation, Template, TemplatePiece, TemplateText, Value as Of};
use crate::protocol::turn::Turn;

/// Reads the key `json` of a protocol file, which says how JSON messages are framed.
pub(super) fn read_envelope(
    root: &Table<'_, '_>,
    over: &[TransportKind],
) -> Result<Option<Envelope>, FileError> {
    let Some((name, span)) = root.string("json")? else { return Ok(None) };
    let names = || Envelope::NAMES.map(|(name, _)| name);
    let Some((_, envelope)) = Envelope::NAMES.into_iter().find(|(known, _)| *known == name) else {
        let error = root.source.error(span, format!("unknown framing of JSON `{name}`"));
        return Err(error.expecting(format!("expected {}", join_with_or(names()))).suggest(name, names()));
    };
    let refused = |key: &str, message: &str, expected: &str| {
        Err(root.source.error(root.key_span(key), message).expecting(expected))
    };
    if !Value::IS_SUPPORTED {
        return refused("json", "this build reads no JSON", "it needs the feature `json` of the crate");
    }
    if root.get("prefix").is_some() {
        let message = "`prefix` and `json` both say where a message ends";
        return refused("prefix", message, "expected one of the two");
    }
    if !over.contains(&TransportKind::Stream) {
        return refused("json", "a message needs no framing", "`json` is for streams");
    }
    Ok(Some(envelope))
}

impl<'a> TurnReader<'a, '_> {
    /// Reads the list `[[incoming]]` of a protocol file: the messages that the server may send by itself.
    pub(super) fn incoming(&mut self) -> Result<Vec<Incoming>, FileError> {
        let root = self.root.clone();
        if root.get("incoming").is_some() && self.envelope.is_none() {
            let error = root.source.error(root.key_span("incoming"), "`incoming` without `json`");
            return Err(error.expecting("only JSON messages can be told from replies"));
        }
        let mut kinds = Vec::new();
        for table in root.parse_tables("incoming")? {
            table.reject_other_keys("`[[incoming]]`", &INCOMING_KEYS)?;
            let Some(expect) = table.template_text("expect")? else {
                let error = table.source.error(table.span.clone(), "no message is described");
                return Err(error.expecting("expected `expect` with what the server may send"));
            };
            let pattern = self.incoming_pattern(&expect)?;
            let answer = match table.template_text("send")? {
                Some(written) => Some(self.answer(&written, &expect)?),
                None => None,
            };
            kinds.push(Incoming { pattern, answer });
        }
        Ok(kinds)
    }

    fn incoming_pattern(&mut self, expect: &TemplateText<'a>) -> Result<JsonPattern, FileError> {
        let template = self.template(expect, Notation::Json)?;
        let known =
            |piece: &TemplatePiece| matches!(piece, TemplatePiece::Known(known) if known.value != Of::Id);
        if let Some(part) = template.find(known) {
            let error = expect.source.error(part.span.clone(), "the server chooses this message");
            return Err(error.expecting("expected JSON, `{id}`, or what varies, such as `{string}`"));
        }
        json_pattern(&template, expect)
    }

    /// Reads the answer that the client gives to a message which the server sends by itself.
    fn answer(
        &mut self,
        written: &TemplateText<'a>,
        expect: &TemplateText<'a>,
    ) -> Result<Template, FileError> {
        let template = self.template(written, Notation::Json)?;
        let usable = |piece: &TemplatePiece| match piece {
            TemplatePiece::Bytes(_) | TemplatePiece::Nulls(_) => true,
            TemplatePiece::Known(known) => known.value == Of::Id,
            TemplatePiece::Wildcard(_) => false,
        };
        if let Some(part) = template.find(|piece| !usable(piece)) {
            let error = written.source.error(part.span.clone(), "an answer cannot hold this");
            return Err(error.expecting("expected JSON, `{id}` or `{nulls:…}`"));
        }
        let asked = self.template(expect, Notation::Json)?;
        if let Some(part) = template.find_value(|known| known.value == Of::Id)
            && !asked.has_id()
        {
            let error = written.source.error(part.span.clone(), "an id comes back that was not received");
            return Err(error.expecting("expected `{id}` in `expect` too"));
        }
        json_text(&template, written)?;
        Ok(template)
    }

    /// Reads `key` of a protocol file, `goodbye_status` or `short_goodbye_status`: the status with which the server exits
    /// after the goodbye, or after its last message alone.
    pub(super) fn goodbye_status(&self, key: &str, goodbye: &[Turn]) -> Result<Option<u8>, FileError> {
        let status = self.root.integer(key, 255)?;
        if status.is_some() && goodbye.is_empty() {
            let span = self.root.key_span(key);
            let error = self.root.source.error(span, format!("`{key}` without a goodbye"));
            return Err(error.expecting("expected `goodbye` beside it"));
        }
        Ok(status.and_then(|status| u8::try_from(status).ok()))
    }
}
