//! Reads protocol files.

mod frame;
mod json;
mod json_texts;
pub(super) mod keys;
pub(super) mod table;
mod turns;
mod values;

use toml::de::DeTable;

use self::json::read_envelope;
use self::keys::{FILE_KEYS, TURN_KEYS};
use self::table::Table;
use self::turns::TurnReader;
use self::values::{read_any_order, read_keeps_payload, read_over, read_prefix, read_settings};
use super::definition::{DeclaredProperties, Protocol, TransportKind};
use super::error::{FileError, SourceText, join_with_or};
use super::reply::{ReplyEndRule, ReplyTemplate};
use super::rules;
use super::template::{Notation, Parser, Settings, Template, TemplatePart, TemplatePiece, TemplateText};
use super::turn::Turn;

impl Protocol {
    /// Reads a protocol from the text of its file. Errors show `file` as the file's name. A protocol without a name of
    /// its own gets its name from `file`.
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
        let source = SourceText { file, text };
        let document = DeTable::parse(text).map_err(|error| syntax_error(source, &error))?;
        let root = Table { source, table: document.get_ref(), span: document.span() };
        Protocol::from_table(root, settings)
    }

    /// Reads a protocol from a table with the keys of a protocol file.
    pub(crate) fn from_table(
        root: Table<'_, '_>,
        settings: &[(String, String)],
    ) -> Result<Protocol, FileError> {
        TurnReader::new(root, settings)?.protocol()
    }

    /// Returns this protocol under the name `name`.
    #[cfg(feature = "cli")]
    pub(crate) fn named(self, name: &str) -> Protocol {
        Protocol { name: name.into(), ..self }
    }

    /// Returns a protocol of one turn, made from the texts of a request and its reply. It runs over streams and
    /// messages.
    ///
    /// # Errors
    /// A mistake in one of the texts.
    pub fn inline(send: &str, expect: &str) -> Result<Protocol, FileError> {
        Protocol::inline_over(send, expect, &TransportKind::ALL)
    }

    /// Returns a protocol of one turn that runs over transports of the kinds in `over`.
    pub(crate) fn inline_over(
        send: &str,
        expect: &str,
        over: &[TransportKind],
    ) -> Result<Protocol, FileError> {
        let settings = Settings::default();
        let mut parser = Parser::new(&settings);
        let (written_send, written_expect) =
            (TemplateText::whole("--send", send), TemplateText::whole("--expect", expect));
        let sent = parser.parse(&written_send, Notation::Text)?;
        let template = parser.parse(&written_expect, Notation::Text)?;
        let frame = if template.parts.is_empty() { ReplyEndRule::Nothing } else { ReplyEndRule::Pattern };
        let turn = Turn {
            send: sent,
            reply: ReplyTemplate { template, frame },
            prefix: None,
            envelope: None,
            payload_max: None,
            place: None,
        };
        let draft =
            rules::DraftTurn { turn: &turn, send: &written_send, expect: Some(&written_expect), over };
        draft.check()?;
        let protocol = Protocol { over: over.to_vec(), turns: vec![turn], ..Protocol::empty("inline") };
        Ok(protocol.noting_identity())
    }

    fn empty(name: &str) -> Protocol {
        Protocol {
            name: name.into(),
            about: String::new(),
            over: vec![TransportKind::Stream],
            greeting: None,
            opening: Vec::new(),
            turns: Vec::new(),
            long: None,
            goodbye: Vec::new(),
            goodbye_status: None,
            short_goodbye_status: None,
            envelope: None,
            incoming: Vec::new(),
            refused: Vec::new(),
            cancel: None,
            declared: DeclaredProperties::default(),
            any_order: false,
            keeps_payload: false,
            settings: Vec::new(),
            identity: false,
        }
    }

    /// Records whether every reply of the protocol equals its request, whatever bytes the request has.
    fn noting_identity(mut self) -> Protocol {
        let same = |turn: &Turn| {
            let only_payload = |template: &Template| matches!(&template.parts[..], [TemplatePart { piece: TemplatePiece::Known(known), .. }] if known.is_payload_itself());
            turn.prefix.is_none()
                && turn.envelope.is_none()
                && only_payload(&turn.send)
                && only_payload(&turn.reply.template)
        };
        self.identity = self.greeting.is_none()
            && self.opening.is_empty()
            && matches!(&self.turns[..], [turn] if same(turn));
        self
    }
}

pub(crate) fn syntax_error(source: SourceText<'_>, error: &toml::de::Error) -> FileError {
    let span = error.span().unwrap_or(0..0);
    let shown = source.error(span, "this is not TOML").expecting(error.message());
    if error.message().contains("escape") {
        return shown.help(
            r#"in double quotes TOML knows fewer escapes: use single quotes, or write `\x00` for NUL and `{{` for a brace"#,
        );
    }
    shown
}

impl<'a, 't> TurnReader<'a, 't> {
    fn new(root: Table<'a, 't>, given: &'a [(String, String)]) -> Result<TurnReader<'a, 't>, FileError> {
        let simple: Vec<&str> = FILE_KEYS.into_iter().chain(["set"]).chain(TURN_KEYS).collect();
        root.reject_other_keys("a protocol file", &simple)?;
        let mut settings = read_settings(&root)?;
        for (name, value) in given {
            if !settings.values.contains_key(name) {
                let source = SourceText { file: "--set", text: name };
                let error = source.error(0..name.len(), format!("the protocol has no setting `{name}`"));
                let names: Vec<&str> = settings.names().collect();
                let expected = match names.len() {
                    0 => "it has no settings at all".into(),
                    _ => format!("expected {}", join_with_or(names.iter().copied())),
                };
                return Err(error.expecting(expected).suggest(name, names));
            }
            settings.values.insert(name.clone(), TemplateText::whole("--set", value));
        }
        let over = read_over(&root)?;
        let prefix = read_prefix(&root, &over)?;
        let envelope = read_envelope(&root, &over)?;
        Ok(TurnReader { root, settings, over, prefix, envelope, used: Vec::new() })
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
        let goodbye_status = self.goodbye_status("goodbye_status", &goodbye)?;
        let short_goodbye_status = self.goodbye_status("short_goodbye_status", &goodbye)?;
        let incoming = self.incoming()?;
        let refused = self.turn_list("refused")?;
        let cancel = self.cancel()?;
        let declared = DeclaredProperties {
            keep_alive: root.boolean("keep_alive")?,
            pipelining: root.boolean("pipelining")?,
            half_close: root.boolean("half_close")?,
        };
        let any_order = read_any_order(&root, &turns)?;
        let keeps_payload = read_keeps_payload(&root, &turns)?;
        let protocol = Protocol {
            about: about.into(),
            greeting,
            opening,
            turns,
            long,
            goodbye,
            goodbye_status,
            short_goodbye_status,
            envelope: self.envelope,
            incoming,
            refused,
            cancel,
            declared,
            any_order,
            keeps_payload,
            settings: self.setting_values(),
            over: self.over.clone(),
            ..Protocol::empty(name)
        };
        self.check_whole(&protocol)?;
        Ok(protocol.noting_identity())
    }

    fn setting_values(&self) -> Vec<(String, String)> {
        let text = |written: &TemplateText<'_>| written.source.text[written.span.clone()].to_string();
        self.settings.values.iter().map(|(name, value)| (name.clone(), text(value))).collect()
    }

    /// Returns an error if parts of the protocol file contradict each other.
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

    /// Returns an error if the protocol runs over messages and has a part that needs a connection.
    fn check_messages(&self) -> Result<(), FileError> {
        let always: &[&str] =
            &["greeting", "opening", "goodbye", "goodbye_status", "short_goodbye_status", "incoming", "json"];
        let without_streams: &[&str] = &["keep_alive", "half_close", "prefix", "order"];
        let refused: Vec<&str> =
            match (self.over.contains(&TransportKind::Message), self.over.contains(&TransportKind::Stream)) {
                (false, _) => return Ok(()),
                (true, true) => always.to_vec(),
                (true, false) => [always, without_streams].concat(),
            };
        let found = refused.into_iter().find(|key| self.root.get(key).is_some());
        let Some(key) = found else { return Ok(()) };
        let error = self.root.source.error(self.root.key_span(key), format!("`{key}` needs a connection"));
        Err(error.expecting("but `over` names messages, which have none"))
    }
}

/// Returns the name of a protocol file without its folder and ending.
fn stem(file: &str) -> &str {
    let name = file.rsplit('/').next().unwrap_or(file);
    name.strip_suffix(".toml").filter(|stem| !stem.is_empty()).unwrap_or(name)
}
