//! Reads protocol files.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::definition::{Carrier, Declared, Protocol};
use super::error::{FileError, Source, one_of};
use super::http::StatusRule;
use super::number::Number;
use super::reply::{Frame, ReplyTemplate};
use super::rules;
use super::template::{
    Class, Notation, Parser, Part, Piece, Settings, Template, Wild, Written, reserved_names,
};
use super::turn::Turn;
use crate::text::nearest;

const SEND_KEYS: [(&str, Notation); 3] =
    [("send", Notation::Text), ("send_hex", Notation::Hex), ("send_base64", Notation::Base64)];
const EXPECT_KEYS: [(&str, Notation); 3] =
    [("expect", Notation::Text), ("expect_hex", Notation::Hex), ("expect_base64", Notation::Base64)];
const REPLY_KEYS: [&str; 5] = ["expect", "expect_hex", "expect_base64", "frame", "status"];
pub(super) const TURN_KEYS: [&str; 9] = [
    "send",
    "send_hex",
    "send_base64",
    "expect",
    "expect_hex",
    "expect_base64",
    "frame",
    "status",
    "payload_max",
];
pub(super) const FILE_KEYS: [&str; 12] = [
    "name",
    "about",
    "over",
    "prefix",
    "greeting",
    "opening",
    "turn",
    "long",
    "goodbye",
    "keep_alive",
    "pipelining",
    "half_close",
];

impl Protocol {
    /// Reads a protocol file. `file` is its name in errors, and names a protocol that has no name itself.
    ///
    /// # Errors
    /// The first mistake in the file, with its line and column.
    pub fn from_toml(text: &str, file: &str) -> Result<Protocol, FileError> {
        Protocol::from_toml_with(text, file, &[])
    }

    /// Reads a protocol file and gives settings of its `[set]` table other values.
    ///
    /// # Errors
    /// The first mistake in the file or in a setting.
    pub fn from_toml_with(
        text: &str,
        file: &str,
        settings: &[(String, String)],
    ) -> Result<Protocol, FileError> {
        let source = Source { file, text };
        let document = DeTable::parse(text).map_err(|error| syntax_error(source, &error))?;
        let root = Table { source, table: document.get_ref(), span: document.span() };
        Reader::new(root, settings)?.protocol()
    }

    /// Makes a protocol of one turn from the texts of a request and its reply.
    ///
    /// # Errors
    /// A mistake in one of the texts.
    pub fn inline(send: &str, expect: &str) -> Result<Protocol, FileError> {
        let settings = Settings::default();
        let mut parser = Parser::new(&settings);
        let (written_send, written_expect) =
            (Written::whole("--send", send), Written::whole("--expect", expect));
        let sent = parser.parse(&written_send, Notation::Text)?;
        let template = parser.parse(&written_expect, Notation::Text)?;
        let frame = if template.parts.is_empty() { Frame::Nothing } else { Frame::Pattern };
        let turn =
            Turn { send: sent, reply: ReplyTemplate { template, frame }, prefix: None, payload_max: None };
        let draft = rules::Draft {
            turn: &turn,
            send: &written_send,
            expect: Some(&written_expect),
            over: &[Carrier::Stream],
        };
        draft.check()?;
        Ok(Protocol { turns: vec![turn], ..Protocol::empty("inline") }.noting_identity())
    }

    fn empty(name: &str) -> Protocol {
        Protocol {
            name: name.into(),
            about: String::new(),
            over: vec![Carrier::Stream],
            greeting: None,
            opening: Vec::new(),
            turns: Vec::new(),
            long: None,
            goodbye: None,
            declared: Declared::default(),
            settings: Vec::new(),
            identity: false,
        }
    }

    /// Notes whether every reply equals its request, whatever that is.
    fn noting_identity(mut self) -> Protocol {
        let same = |turn: &Turn| {
            let only_payload = |template: &Template| matches!(&template.parts[..], [Part { piece: Piece::Known(known), .. }] if known.is_payload_itself());
            turn.prefix.is_none() && only_payload(&turn.send) && only_payload(&turn.reply.template)
        };
        self.identity = self.greeting.is_none()
            && self.opening.is_empty()
            && matches!(&self.turns[..], [turn] if same(turn));
        self
    }
}

fn syntax_error(source: Source<'_>, error: &toml::de::Error) -> FileError {
    let span = error.span().unwrap_or(0..0);
    let shown = source.error(span, "this is not TOML").expecting(error.message());
    if error.message().contains("escape") {
        return shown.help(
            r#"in double quotes TOML knows fewer escapes: use single quotes, or write `\x00` for NUL and `{{` for a brace"#,
        );
    }
    shown
}

/// A table of the file.
#[derive(Clone)]
struct Table<'a, 't> {
    source: Source<'a>,
    table: &'t DeTable<'a>,
    span: Range<usize>,
}

type Value<'a> = Spanned<DeValue<'a>>;

impl<'a, 't> Table<'a, 't> {
    fn get(&self, key: &str) -> Option<&'t Value<'a>> {
        self.table.get(key)
    }

    fn key_span(&self, key: &str) -> Range<usize> {
        let found = self.table.keys().find(|known| known.get_ref() == key);
        found.map_or(self.span.clone(), Spanned::span)
    }

    /// Refuses every key that is not one of `keys`.
    fn only(&self, what: &str, keys: &[&str]) -> Result<(), FileError> {
        let wrong = self.table.keys().filter(|key| !keys.contains(&key.get_ref().as_ref()));
        let Some(key) = wrong.min_by_key(|key| key.span().start) else { return Ok(()) };
        let name = key.get_ref().as_ref();
        let error = self.source.error(key.span(), format!("unknown key `{name}` in {what}"));
        let all = || format!("expected {}", one_of(keys.iter().copied()));
        if FILE_KEYS.contains(&name) {
            let help = format!("move `{name}` to the top of the file, above the first `[`");
            return Err(error.expecting(format!("not a key of {what}")).help(help));
        }
        match nearest(name, keys.iter().copied()) {
            Some(near) => Err(error.expecting("no such key").help(format!("did you mean `{near}`?"))),
            None => Err(error.expecting(all())),
        }
    }

    fn wrong_type(&self, key: &str, value: &Value<'_>, expected: &str) -> FileError {
        let message = format!("`{key}` is {}", describe_type(value.get_ref()));
        self.source.error(value.span(), message).expecting(format!("expected {expected}"))
    }

    fn wrong_value(&self, key: &str, value: &Value<'_>, expected: &str) -> FileError {
        let message = format!("this is no value for `{key}`");
        self.source.error(value.span(), message).expecting(format!("expected {expected}"))
    }

    fn string(&self, key: &str) -> Result<Option<(&'t str, Range<usize>)>, FileError> {
        let Some(value) = self.get(key) else { return Ok(None) };
        match value.get_ref().as_str() {
            Some(text) => Ok(Some((text, value.span()))),
            None => Err(self.wrong_type(key, value, "a string")),
        }
    }

    fn boolean(&self, key: &str) -> Result<Option<bool>, FileError> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let found = value.get_ref().as_bool();
        found.map(Some).ok_or_else(|| self.wrong_type(key, value, "`true` or `false`"))
    }

    fn integer(&self, key: &str, most: u64) -> Result<Option<u64>, FileError> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let number = value
            .get_ref()
            .as_integer()
            .and_then(|number| u64::from_str_radix(&number.as_str().replace('_', ""), number.radix()).ok());
        let number = number.filter(|number| *number <= most);
        number.map(Some).ok_or_else(|| self.wrong_value(key, value, &format!("a number from 0 to {most}")))
    }

    fn written(&self, key: &str) -> Result<Option<Written<'a>>, FileError> {
        let text = self.string(key)?;
        Ok(text.map(|(_, span)| Written::quoted(self.source, span)))
    }

    fn table(&self, key: &str) -> Result<Option<Table<'a, 't>>, FileError> {
        let Some(value) = self.get(key) else { return Ok(None) };
        match value.get_ref() {
            DeValue::Table(table) => Ok(Some(Table { source: self.source, table, span: self.key_span(key) })),
            _ => Err(self.wrong_type(key, value, &format!("a table: `[{key}]`"))),
        }
    }

    fn tables(&self, key: &str) -> Result<Vec<Table<'a, 't>>, FileError> {
        let Some(value) = self.get(key) else { return Ok(Vec::new()) };
        let wrong = |value| {
            self.wrong_type(key, value, "a list of tables")
                .help(format!("write `[[{key}]]`, with two brackets"))
        };
        let DeValue::Array(array) = value.get_ref() else { return Err(wrong(value)) };
        let tables = array.iter().map(|entry| match entry.get_ref() {
            DeValue::Table(table) => Ok(Table { source: self.source, table, span: entry.span() }),
            _ => Err(wrong(entry)),
        });
        tables.collect()
    }

    fn has_any(&self, keys: &[&str]) -> bool {
        keys.iter().any(|key| self.get(key).is_some())
    }
}

fn describe_type(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// Reads one file.
struct Reader<'a, 't> {
    root: Table<'a, 't>,
    settings: Settings<'a>,
    over: Vec<Carrier>,
    prefix: Option<Number>,
    used: Vec<String>,
}

impl<'a, 't> Reader<'a, 't> {
    fn new(root: Table<'a, 't>, given: &'a [(String, String)]) -> Result<Reader<'a, 't>, FileError> {
        let simple: Vec<&str> = FILE_KEYS.into_iter().chain(["set"]).chain(TURN_KEYS).collect();
        root.only("a protocol file", &simple)?;
        let mut settings = read_settings(&root)?;
        for (name, value) in given {
            if !settings.values.contains_key(name) {
                let source = Source { file: "--set", text: name };
                let error = source.error(0..name.len(), format!("the protocol has no setting `{name}`"));
                let names: Vec<&str> = settings.names().collect();
                let expected = match names.len() {
                    0 => "it has no settings at all".into(),
                    _ => format!("expected {}", one_of(names.iter().copied())),
                };
                return Err(error.expecting(expected).suggest(name, names));
            }
            settings.values.insert(name.clone(), Written::whole("--set", value));
        }
        let over = read_over(&root)?;
        let prefix = read_prefix(&root, &over)?;
        Ok(Reader { root, settings, over, prefix, used: Vec::new() })
    }

    fn protocol(mut self) -> Result<Protocol, FileError> {
        let root = self.root.clone();
        let name = match root.string("name")? {
            Some((name, span)) if name.trim().is_empty() || name.contains(char::is_control) => {
                return Err(root
                    .source
                    .error(span, "a name is one line of text")
                    .expecting("expected a name"));
            }
            Some((name, _)) => name,
            None => stem(root.source.file),
        };
        let about = root.string("about")?.map_or("", |(text, _)| text);
        let greeting = self.greeting()?;
        let opening = self.turn_list("opening")?;
        let turns = self.turns()?;
        let long = self.long()?;
        let goodbye = self.goodbye()?;
        let declared = Declared {
            keep_alive: root.boolean("keep_alive")?,
            pipelining: root.boolean("pipelining")?,
            half_close: root.boolean("half_close")?,
        };
        let protocol = Protocol {
            about: about.into(),
            greeting,
            opening,
            turns,
            long,
            goodbye,
            declared,
            settings: self.setting_values(),
            over: self.over.clone(),
            ..Protocol::empty(name)
        };
        self.check_whole(&protocol)?;
        Ok(protocol.noting_identity())
    }

    fn setting_values(&self) -> Vec<(String, String)> {
        let text = |written: &Written<'_>| written.source.text[written.span.clone()].to_string();
        self.settings.values.iter().map(|(name, value)| (name.clone(), text(value))).collect()
    }

    /// Refuses contradictions between parts of the file.
    fn check_whole(&self, protocol: &Protocol) -> Result<(), FileError> {
        let root = &self.root;
        if protocol.turns.is_empty() && protocol.greeting.is_none() {
            let error = root.source.error(0..0, "nothing to send and nothing to expect");
            return Err(error
                .expecting("expected `send` and `expect`, a `[[turn]]` or a `greeting`")
                .help("the shortest file is: send = '{token}\\n' and expect = '{token}\\n'"));
        }
        let unused = self.settings.names().find(|name| !self.used.iter().any(|used| used == name));
        if let (Some(name), Some(set)) = (unused, root.table("set")?) {
            let error = root.source.error(set.key_span(name), format!("no text uses the setting `{name}`"));
            return Err(error.expecting(format!("expected `{{{name}}}` in a request or a reply")));
        }
        let declared = protocol.declared;
        if declared.pipelining == Some(true) && declared.keep_alive == Some(false) {
            let span = root.key_span("pipelining");
            let error = root.source.error(span, "`pipelining = true` contradicts `keep_alive = false`");
            return Err(error.expecting("a connection that closes after a reply takes one request"));
        }
        let always_ends = !protocol.turns.is_empty() && protocol.turns.iter().all(Turn::ends_connection);
        for (key, value) in [("keep_alive", declared.keep_alive), ("pipelining", declared.pipelining)] {
            if always_ends && value == Some(true) {
                let error =
                    root.source.error(root.key_span(key), format!("`{key}` contradicts `frame = \"end\"`"));
                return Err(error.expecting("the connection ends with the reply"));
            }
        }
        self.check_messages()
    }

    /// Refuses what only connections have, if messages carry the protocol.
    fn check_messages(&self) -> Result<(), FileError> {
        let always: &[&str] = &["greeting", "opening", "goodbye"];
        let without_streams: &[&str] = &["keep_alive", "half_close", "prefix"];
        let refused: Vec<&str> =
            match (self.over.contains(&Carrier::Message), self.over.contains(&Carrier::Stream)) {
                (false, _) => return Ok(()),
                (true, true) => always.to_vec(),
                (true, false) => [always, without_streams].concat(),
            };
        let found = refused.into_iter().find(|key| self.root.get(key).is_some());
        let Some(key) = found else { return Ok(()) };
        let error = self.root.source.error(self.root.key_span(key), format!("`{key}` needs a connection"));
        Err(error.expecting("but `over` names messages, which have none"))
    }

    fn greeting(&mut self) -> Result<Option<ReplyTemplate>, FileError> {
        let root = self.root.clone();
        let Some(value) = root.get("greeting") else { return Ok(None) };
        let (reply, written) = if value.get_ref().is_str() {
            let written = Written::quoted(root.source, value.span());
            let template = self.template(&written, Notation::Text)?;
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
            table.only("the greeting", &REPLY_KEYS)?;
            self.reply(&table)?
        };
        if reply.template.parts.is_empty() {
            let error = root.source.error(value.span(), "an empty greeting");
            return Err(error.expecting("expected what the server says first"));
        }
        let known = reply.template.find(|piece| matches!(piece, Piece::Known(_)));
        if let Some(part) = known {
            let error =
                root.source.error(part.span.clone(), "a greeting cannot know this: nothing was sent yet");
            return Err(error.expecting("expected bytes, or what varies, such as `{line}`"));
        }
        rules::check_reply(&reply, written.as_ref(), &self.over)?;
        Ok(Some(reply))
    }

    fn frame_of_pattern(&self) -> Frame {
        self.prefix.map_or(Frame::Pattern, Frame::Prefix)
    }

    /// The turns of the file: a list, or the one whose keys stand at the top.
    fn turns(&mut self) -> Result<Vec<Turn>, FileError> {
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

    fn turn_list(&mut self, key: &str) -> Result<Vec<Turn>, FileError> {
        let mut turns = Vec::new();
        for table in self.root.tables(key)? {
            table.only(&format!("`[[{key}]]`"), &TURN_KEYS)?;
            turns.extend(self.turn(&table, key)?);
        }
        Ok(turns)
    }

    fn long(&mut self) -> Result<Option<Turn>, FileError> {
        let Some(table) = self.root.table("long")? else { return Ok(None) };
        table.only("`[long]`", &TURN_KEYS)?;
        let turn = self.turn(&table, "long")?;
        match turn {
            Some(turn) if !turn.has_reply() => {
                let error = table.source.error(table.span, "a long turn without a reply");
                Err(error.expecting("expected a reply that is long"))
            }
            turn => Ok(turn),
        }
    }

    fn goodbye(&mut self) -> Result<Option<Turn>, FileError> {
        let root = self.root.clone();
        match root.get("goodbye") {
            Some(value) if value.get_ref().is_str() => {
                let written = Written::quoted(root.source, value.span());
                let send = self.template(&written, Notation::Text)?;
                let reply = ReplyTemplate { template: Template::default(), frame: Frame::Nothing };
                let turn = Turn { send, reply, prefix: self.prefix, payload_max: None };
                self.check_turn(&turn, &written, None)?;
                Ok(Some(turn))
            }
            Some(_) => {
                let Some(table) = root.table("goodbye")? else { return Ok(None) };
                table.only("the goodbye", &TURN_KEYS)?;
                self.turn(&table, "goodbye")
            }
            None => Ok(None),
        }
    }

    /// Reads a turn; `None` if it uses a setting that is empty.
    fn turn(&mut self, table: &Table<'a, 't>, what: &str) -> Result<Option<Turn>, FileError> {
        let Some((written_send, notation)) = text_of(table, &SEND_KEYS)? else {
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
        let turn = Turn { send, reply, prefix: self.prefix, payload_max };
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
        send: &Written<'a>,
        expect: Option<&Written<'a>>,
    ) -> Result<(), FileError> {
        rules::Draft { turn, send, expect, over: &self.over }.check()
    }

    /// Reads `expect`, `frame` and `status`.
    fn reply(&mut self, table: &Table<'a, 't>) -> Result<(ReplyTemplate, Option<Written<'a>>), FileError> {
        let expect = text_of(table, &EXPECT_KEYS)?;
        let frame = self.frame(table)?;
        let Some((written, notation)) = expect else {
            if frame.is_none() && self.prefix.is_none() {
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
            None if template.parts.is_empty() => Frame::Nothing,
            None => self.frame_of_pattern(),
        };
        Ok((ReplyTemplate { template, frame }, Some(written)))
    }

    fn frame(&self, table: &Table<'a, 't>) -> Result<Option<Frame>, FileError> {
        let status = read_status(table)?;
        let Some(value) = table.get("frame") else {
            if status.is_some() {
                let error = table.source.error(table.key_span("status"), "`status` without HTTP framing");
                return Err(error.expecting("expected `frame = \"http\"` beside it"));
            }
            return Ok(None);
        };
        if self.prefix.is_some() {
            let error = table
                .source
                .error(table.key_span("frame"), "`frame` and `prefix` both say where a reply ends");
            return Err(error.expecting("expected one of the two"));
        }
        let frame = match value.get_ref() {
            DeValue::String(name) => self.named_frame(table, name, value.span(), status)?,
            DeValue::Table(inner) => {
                length_frame(&Table { source: table.source, table: inner, span: value.span() })?
            }
            _ => return Err(table.wrong_type("frame", value, FRAMES)),
        };
        if status.is_some() && !matches!(frame, Frame::Http(_)) {
            let error = table.source.error(table.key_span("status"), "`status` without HTTP framing");
            return Err(error.expecting("expected `frame = \"http\"` beside it"));
        }
        if !self.over.contains(&Carrier::Stream) {
            let error = table.source.error(table.key_span("frame"), "a message needs no frame");
            return Err(error.expecting("it ends by itself"));
        }
        Ok(Some(frame))
    }

    fn named_frame(
        &self,
        table: &Table<'a, 't>,
        name: &str,
        span: Range<usize>,
        status: Option<StatusRule>,
    ) -> Result<Frame, FileError> {
        match name {
            "http" => Ok(Frame::Http(status.unwrap_or(StatusRule::BELOW_500))),
            "end" => Ok(Frame::End),
            _ => {
                let error = table.source.error(span, format!("unknown frame `{name}`"));
                Err(error.expecting(format!("expected {FRAMES}")).suggest(name, ["http", "end"]))
            }
        }
    }

    fn template(&mut self, written: &Written<'a>, notation: Notation) -> Result<Template, FileError> {
        let mut parser = Parser::new(&self.settings);
        let template = parser.parse(written, notation)?;
        let used = parser.used;
        self.used.extend(used);
        Ok(template)
    }
}

const FRAMES: &str = "`\"http\"`, `\"end\"` or `{ length = \"u16be\", at = 0 }`";

/// A template that takes any bytes.
fn anything() -> Template {
    let piece = Piece::Wild(Wild::Class { class: Class::Any, least: 0, most: None });
    Template { parts: vec![Part { piece, span: 0..0 }] }
}

/// The text under one of `keys`, which exclude each other.
fn text_of<'a>(
    table: &Table<'a, '_>,
    keys: &[(&str, Notation)],
) -> Result<Option<(Written<'a>, Notation)>, FileError> {
    let mut present = keys.iter().filter(|(key, _)| table.get(key).is_some());
    let Some((key, notation)) = present.next() else { return Ok(None) };
    if let Some((second, _)) = present.next() {
        let error = table.source.error(table.key_span(second), format!("`{second}` beside `{key}`"));
        return Err(error.expecting("expected one of the two").help("`\\xff` writes a byte in a text"));
    }
    Ok(table.written(key)?.map(|written| (written, *notation)))
}

fn read_status(table: &Table<'_, '_>) -> Result<Option<StatusRule>, FileError> {
    let Some(value) = table.get("status") else { return Ok(None) };
    let text = match value.get_ref() {
        DeValue::String(text) => text.to_string(),
        DeValue::Integer(number) => number.as_str().to_string(),
        _ => String::new(),
    };
    let rule = StatusRule::parse(&text);
    rule.map(Some).ok_or_else(|| table.wrong_value("status", value, "a status such as `200` or `\"2xx\"`"))
}

fn length_frame(table: &Table<'_, '_>) -> Result<Frame, FileError> {
    table.only("a frame", &["length", "at"])?;
    let Some((text, span)) = table.string("length")? else {
        let error = table.source.error(table.span.clone(), "a frame without `length`");
        return Err(error.expecting(format!("expected {FRAMES}")));
    };
    let number = read_number(table.source, text, span.clone())?;
    if matches!(Number::parse("decimal"), Ok(decimal) if decimal.kind == number.kind)
        || text.starts_with("hex")
    {
        let error = table.source.error(span, "a frame's length has no digits");
        return Err(error
            .expecting("expected a binary number, such as `u16be`")
            .help("in a text use `{length}` and `{body}` in `expect`"));
    }
    let at = table.integer("at", 1 << 16)?.unwrap_or(0) as usize;
    Ok(Frame::Length { number, at })
}

fn read_number(source: Source<'_>, text: &str, span: Range<usize>) -> Result<Number, FileError> {
    Number::parse(text).map_err(|(part, expected)| {
        let error = source.error(span, format!("unknown number format `{part}`"));
        error.expecting(expected).suggest(part, Number::names())
    })
}

fn read_prefix(root: &Table<'_, '_>, over: &[Carrier]) -> Result<Option<Number>, FileError> {
    let Some((text, span)) = root.string("prefix")? else { return Ok(None) };
    let number = read_number(root.source, text, span.clone())?;
    if text.starts_with("decimal") || text.starts_with("hex") || text.starts_with('+') {
        let error = root.source.error(span, "a prefix has no digits");
        return Err(error.expecting("expected a binary number, such as `u16be`"));
    }
    if !over.contains(&Carrier::Stream) {
        let error = root.source.error(root.key_span("prefix"), "a message needs no length before it");
        return Err(error.expecting("`prefix` is for streams"));
    }
    Ok(Some(number))
}

fn read_over(root: &Table<'_, '_>) -> Result<Vec<Carrier>, FileError> {
    let Some(value) = root.get("over") else { return Ok(vec![Carrier::Stream]) };
    let names = one_of(Carrier::ALL.map(Carrier::name));
    let wrong = || root.wrong_type("over", value, &format!("a list of {names}"));
    let list = value.get_ref().as_array().ok_or_else(wrong)?;
    let mut over = Vec::new();
    for entry in list.iter() {
        let name = entry.get_ref().as_str().ok_or_else(wrong)?;
        let carrier = Carrier::ALL.into_iter().find(|carrier| carrier.name() == name).ok_or_else(|| {
            let error = root.source.error(entry.span(), format!("unknown transport kind `{name}`"));
            let error = error.expecting(format!("expected {names}"));
            let kind = |name| match name {
                "tcp" | "unix" | "pipe" | "streams" => Some("stream"),
                "udp" | "datagram" | "messages" => Some("message"),
                _ => nearest(name, Carrier::ALL.map(Carrier::name)),
            };
            match kind(name) {
                Some(word) => error.help(format!("did you mean `{word}`?")),
                None => error,
            }
        })?;
        over.push(carrier);
    }
    if over.is_empty() {
        let error = root.source.error(value.span(), "no kind of transport");
        return Err(error.expecting(format!("expected {names}")));
    }
    Ok(over)
}

/// Reads the `[set]` table: names and the texts that stand for them.
fn read_settings<'a>(root: &Table<'a, '_>) -> Result<Settings<'a>, FileError> {
    let mut settings = Settings::default();
    let Some(set) = root.table("set")? else { return Ok(settings) };
    let mut keys: Vec<_> = set.table.keys().collect();
    keys.sort_by_key(|key| key.span().start);
    for key in keys {
        let name = key.get_ref().as_ref();
        let error = |message: String| set.source.error(key.span(), message);
        if TURN_KEYS.contains(&name) || FILE_KEYS.contains(&name) {
            return Err(error(format!("`{name}` stands under `[set]`"))
                .expecting("expected the name of a setting")
                .help(format!("move `{name}` above `[set]`: what follows a `[table]` belongs to it")));
        }
        if reserved_names().any(|reserved| reserved == name) {
            return Err(error(format!("`{{{name}}}` is a placeholder of every file"))
                .expecting("expected another name"));
        }
        let valid = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_';
        if name.is_empty() || !name.chars().all(valid) {
            return Err(error(format!("`{name}` cannot name a setting"))
                .expecting("expected lowercase letters, digits and `_`"));
        }
        if let Some(written) = set.written(name)? {
            settings.values.insert(name.into(), written);
        }
    }
    Ok(settings)
}

/// The name of a file without its folder and ending.
fn stem(file: &str) -> &str {
    let name = file.rsplit('/').next().unwrap_or(file);
    name.strip_suffix(".toml").filter(|stem| !stem.is_empty()).unwrap_or(name)
}
