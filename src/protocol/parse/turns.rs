//! Reads the greeting and the turns of a protocol file.

use toml::de::DeValue;

use super::frame::read_frame;
use super::json_texts::{json_pattern, json_text};
use super::keys::{EXPECT_KEYS, REPLY_KEYS, SEND_KEYS, TURN_KEYS};
use super::table::Table;
use crate::protocol::definition::TransportKind;
use crate::protocol::error::FileError;
use crate::protocol::json::Envelope;
use crate::protocol::number::LengthFormat;
use crate::protocol::reply::{ReplyEndRule, ReplyTemplate};
use crate::protocol::rules;
use crate::protocol::template::{
    ByteClass, Notation, Parser, Settings, Template, TemplatePart, TemplatePiece, TemplateText, Wildcard,
};
use crate::protocol::turn::Turn;

/// Reads the turns of one protocol file.
pub(super) struct TurnReader<'a, 't> {
    pub(super) root: Table<'a, 't>,
    pub(super) settings: Settings<'a>,
    pub(super) over: Vec<TransportKind>,
    pub(super) prefix: Option<LengthFormat>,
    pub(super) envelope: Option<Envelope>,
    pub(super) used: Vec<String>,
}

impl<'a, 't> TurnReader<'a, 't> {
    pub(super) fn greeting(&mut self) -> Result<Option<ReplyTemplate>, FileError> {
        let root = self.root.clone();
        let Some(value) = root.get("greeting") else { return Ok(None) };
        let (reply, written) = if value.get_ref().is_str() {
            let written = TemplateText::quoted(root.source, value.span());
            let template = self.template(&written, self.notation())?;
            (ReplyTemplate { template, frame: self.frame_of_pattern() }, Some(written))
        } else {
            let DeValue::Table(table) = value.get_ref() else {
                return Err(root.wrong_type(
                    "greeting",
                    value,
                    "a string, or a table with `expect` and `frame`",
                ));
            };
            let table = Table { source: root.source, table, span: root.key_span("greeting") };
            table.reject_other_keys("the greeting", &REPLY_KEYS)?;
            self.reply(&table)?
        };
        if reply.template.parts.is_empty() {
            let error = root.source.error(value.span(), "an empty greeting");
            return Err(error.expecting("expected what the server says first"));
        }
        let known = reply.template.find(|piece| matches!(piece, TemplatePiece::Known(_)));
        if let Some(part) = known {
            let error =
                root.source.error(part.span.clone(), "a greeting cannot know this: nothing was sent yet");
            return Err(error.expecting("expected bytes, or what varies, such as `{line}`"));
        }
        self.check_json_reply(&reply, written.as_ref())?;
        rules::check_reply(&reply, written.as_ref(), &self.over)?;
        Ok(Some(reply))
    }

    fn frame_of_pattern(&self) -> ReplyEndRule {
        match self.envelope {
            Some(envelope) => ReplyEndRule::Json(envelope),
            None => self.prefix.map_or(ReplyEndRule::Pattern, ReplyEndRule::Prefix),
        }
    }

    /// Returns the notation in which this protocol file writes the keys `send` and `expect`.
    fn notation(&self) -> Notation {
        if self.envelope.is_some() { Notation::Json } else { Notation::Text }
    }

    /// Returns an error if the reply of a protocol of JSON is no JSON.
    fn check_json_reply(
        &self,
        reply: &ReplyTemplate,
        written: Option<&TemplateText<'a>>,
    ) -> Result<(), FileError> {
        match (reply.frame, written) {
            (ReplyEndRule::Json(_), Some(written)) => json_pattern(&reply.template, written).map(drop),
            _ => Ok(()),
        }
    }

    /// Reads the turns of the protocol file: a list of turns, or one turn whose keys are at the top level.
    pub(super) fn turns(&mut self) -> Result<Vec<Turn>, FileError> {
        let root = self.root.clone();
        if !root.has_any(&TURN_KEYS) {
            return self.turn_list("turn");
        }
        if root.get("turn").is_some() {
            let key = TURN_KEYS.into_iter().find(|key| root.get(key).is_some()).unwrap_or_default();
            let error =
                root.source.error(root.key_span(key), format!("`{key}` at the top, and `[[turn]]` too"));
            return Err(error.expecting("expected one of the two").help("move it into a `[[turn]]`"));
        }
        Ok(self.turn(&root, "send")?.into_iter().collect())
    }

    pub(super) fn turn_list(&mut self, key: &str) -> Result<Vec<Turn>, FileError> {
        let mut turns = Vec::new();
        for table in self.root.parse_tables(key)? {
            table.reject_other_keys(&format!("`[[{key}]]`"), &TURN_KEYS)?;
            turns.extend(self.turn(&table, key)?);
        }
        Ok(turns)
    }

    pub(super) fn long(&mut self) -> Result<Option<Turn>, FileError> {
        let Some(table) = self.root.table("long")? else { return Ok(None) };
        table.reject_other_keys("`[long]`", &TURN_KEYS)?;
        let turn = self.turn(&table, "long")?;
        match turn {
            Some(turn) if !turn.has_reply() => {
                let error = table.source.error(table.span, "a long turn without a reply");
                Err(error.expecting("expected a reply that is long"))
            }
            turn => Ok(turn),
        }
    }

    /// Reads the message that cancels a request, and the reply that the cancelled request still gets.
    pub(super) fn cancel(&mut self) -> Result<Option<Turn>, FileError> {
        let Some(table) = self.root.table("cancel")? else { return Ok(None) };
        table.reject_other_keys("`[cancel]`", &TURN_KEYS)?;
        let turn = self.turn(&table, "cancel")?;
        match turn {
            Some(turn) if self.envelope.is_none() || !turn.send.has_id() => {
                let error = table.source.error(table.span, "a cancellation names no request");
                Err(error.expecting("expected JSON with the `{id}` of the request that is cancelled"))
            }
            turn => Ok(turn),
        }
    }

    /// Reads the exchanges that end a connection, which the file gives as a text, a table, or a list of tables.
    pub(super) fn goodbye(&mut self) -> Result<Vec<Turn>, FileError> {
        let root = self.root.clone();
        match root.get("goodbye") {
            Some(value) if value.get_ref().is_str() => {
                let written = TemplateText::quoted(root.source, value.span());
                let send = self.template(&written, self.notation())?;
                let reply = ReplyTemplate { template: Template::default(), frame: ReplyEndRule::Nothing };
                let turn = Turn {
                    send,
                    reply,
                    prefix: self.prefix,
                    envelope: self.envelope,
                    payload_max: None,
                    place: None,
                };
                self.check_turn(&turn, &written, None)?;
                Ok(vec![turn])
            }
            Some(value) if matches!(value.get_ref(), DeValue::Array(_)) => self.turn_list("goodbye"),
            Some(_) => {
                let Some(table) = root.table("goodbye")? else { return Ok(Vec::new()) };
                table.reject_other_keys("the goodbye", &TURN_KEYS)?;
                Ok(self.turn(&table, "goodbye")?.into_iter().collect())
            }
            None => Ok(Vec::new()),
        }
    }

    /// Reads a turn from `table`. Returns `None` if the turn uses a setting that is empty.
    fn turn(&mut self, table: &Table<'a, 't>, what: &str) -> Result<Option<Turn>, FileError> {
        let Some((written_send, notation)) = self.text_of(table, &SEND_KEYS)? else {
            let span =
                if table.span == self.root.span { table.key_span("expect") } else { table.span.clone() };
            let error = table.source.error(span, "nothing is sent");
            return Err(error.expecting("expected `send`, `send_hex` or `send_base64` beside it"));
        };
        let before = std::mem::take(&mut self.used);
        let send = self.template(&written_send, notation)?;
        let (reply, written_expect) = self.reply(table)?;
        let used = std::mem::replace(&mut self.used, before);
        let left_out = used.iter().any(|name| self.settings.values[name].span.is_empty());
        self.used.extend(used);
        if left_out {
            return Ok(None);
        }
        let payload_max = table.integer("payload_max", 1 << 30)?;
        let shown = written_expect.as_ref().unwrap_or(&written_send);
        let place = Some(shown.source.error(shown.span.clone(), "").place.into());
        let turn = Turn { send, reply, prefix: self.prefix, envelope: self.envelope, payload_max, place };
        self.check_turn(&turn, &written_send, written_expect.as_ref())?;
        if payload_max.is_some() && !turn.takes_payload() {
            let error = table.source.error(table.key_span("payload_max"), "`payload_max` without a payload");
            return Err(error.expecting(format!("expected `{{payload}}` in the `{what}` request")));
        }
        Ok(Some(turn))
    }

    fn check_turn(
        &self,
        turn: &Turn,
        send: &TemplateText<'a>,
        expect: Option<&TemplateText<'a>>,
    ) -> Result<(), FileError> {
        if self.envelope.is_some() && !turn.send.parts.is_empty() {
            json_text(&turn.send, send)?;
        }
        self.check_json_reply(&turn.reply, expect)?;
        rules::DraftTurn { turn, send, expect, over: &self.over }.check()
    }

    /// Reads the reply of a turn: the keys `expect`, `frame` and `status`.
    fn reply(
        &mut self,
        table: &Table<'a, 't>,
    ) -> Result<(ReplyTemplate, Option<TemplateText<'a>>), FileError> {
        let expect = self.text_of(table, &EXPECT_KEYS)?;
        let frame = read_frame(table, &self.over, self.prefix, self.envelope)?;
        let Some((written, notation)) = expect else {
            if frame.is_none() && (self.prefix.is_none() || self.envelope.is_some()) {
                let error = table.source.error(table.span.clone(), "no reply is described");
                return Err(error
                    .expecting("expected `expect`, or `frame` with how the reply ends")
                    .help("write `expect = ''` if no reply comes"));
            }
            let frame = frame.unwrap_or(self.frame_of_pattern());
            return Ok((ReplyTemplate { template: anything(), frame }, None));
        };
        let template = self.template(&written, notation)?;
        let frame = match frame {
            Some(frame) => frame,
            None if template.parts.is_empty() => ReplyEndRule::Nothing,
            None => self.frame_of_pattern(),
        };
        Ok((ReplyTemplate { template, frame }, Some(written)))
    }

    /// Returns the text and notation of the key among `keys` that the table has. A table can have only one of them.
    fn text_of(
        &self,
        table: &Table<'a, 't>,
        keys: &[(&str, Notation)],
    ) -> Result<Option<(TemplateText<'a>, Notation)>, FileError> {
        let text = text_of(table, keys)?;
        if self.envelope.is_none() {
            return Ok(text);
        }
        let Some((key, _)) = keys.iter().skip(1).find(|(key, _)| table.get(key).is_some()) else {
            return Ok(text.map(|(written, _)| (written, Notation::Json)));
        };
        let error = table.source.error(table.key_span(key), format!("`{key}` in a protocol of JSON"));
        Err(error.expecting(format!("expected `{}`, a JSON text", keys[0].0)))
    }

    pub(super) fn template(
        &mut self,
        written: &TemplateText<'a>,
        notation: Notation,
    ) -> Result<Template, FileError> {
        let mut parser = Parser::new(&self.settings);
        let template = parser.parse(written, notation)?;
        let used = parser.used;
        self.used.extend(used);
        Ok(template)
    }
}

/// Returns a template that matches any bytes.
fn anything() -> Template {
    let piece = TemplatePiece::Wildcard(Wildcard::Class { class: ByteClass::Any, least: 0, most: None });
    Template { parts: vec![TemplatePart { piece, span: 0..0 }] }
}

/// Returns the text and notation of the key among `keys` that the table has. A table can have only one of them.
fn text_of<'a>(
    table: &Table<'a, '_>,
    keys: &[(&str, Notation)],
) -> Result<Option<(TemplateText<'a>, Notation)>, FileError> {
    let mut present = keys.iter().filter(|(key, _)| table.get(key).is_some());
    let Some((key, notation)) = present.next() else { return Ok(None) };
    if let Some((second, _)) = present.next() {
        let error = table.source.error(table.key_span(second), format!("`{second}` beside `{key}`"));
        return Err(error.expecting("expected one of the two").help("`\\xff` writes a byte in a text"));
    }
    Ok(table.template_text(key)?.map(|written| (written, *notation)))
}
