//! Parses one placeholder of a template, such as `{token}`.

use super::{ByteClass, Encoding, KnownBytes, Notation, TemplatePiece, Value, Wildcard};
use crate::protocol::error::{FileError, SourceText, join_with_or};
use crate::protocol::json::Kind;
use crate::protocol::number::LengthFormat;
use crate::protocol::token::Token;

const KNOWN_NAMES: [&str; 3] = ["token", "payload", "id"];
const WILD_NAMES: [&str; 9] = ["any", "line", "lines", "digits", "hex", "word", "space", "length", "body"];

/// The names of `{pid}` and of the placeholders that stand for JSON values alone.
const OTHER_NAMES: [&str; 6] = ["pid", "string", "number", "array", "object", "nulls"];

/// Returns the names of placeholders that every protocol file can use.
pub(in crate::protocol) fn reserved_names<'n>() -> impl Iterator<Item = &'n str> {
    KNOWN_NAMES.into_iter().chain(WILD_NAMES).chain(OTHER_NAMES)
}

/// The text of a placeholder and its place in the protocol file, for errors.
pub(super) struct PlaceholderText<'a> {
    pub(super) source: SourceText<'a>,
    pub(super) start: usize,
    pub(super) content: &'a str,
}

impl PlaceholderText<'_> {
    /// Returns a file error that marks `part`, which is a piece of the placeholder's text.
    pub(super) fn error(&self, part: &str, message: String) -> FileError {
        let offset = (part.as_ptr() as usize).saturating_sub(self.content.as_ptr() as usize);
        let offset = if offset <= self.content.len() { offset } else { 0 };
        let start = self.start + offset;
        self.source.error(start..start + part.len().max(1), message)
    }

    /// Parses the placeholder. `settings` are the names of the protocol file's settings, which a placeholder can also
    /// have.
    pub(super) fn piece<'n>(
        &self,
        notation: Notation,
        settings: impl Iterator<Item = &'n str>,
    ) -> Result<TemplatePiece, FileError> {
        let content = self.content;
        let (path, argument) = match content.split_once(':') {
            Some((path, argument)) => (path, Some(argument)),
            None => (content, None),
        };
        let mut names = path.split('.');
        let name = names.next().unwrap_or_default();
        let filters: Vec<&str> = names.collect();
        if KNOWN_NAMES.contains(&name) {
            return self.known(name, &filters, argument).map(TemplatePiece::Known);
        }
        if notation == Notation::Json
            && !KNOWN_NAMES.contains(&name)
            && filters.is_empty()
            && let Some(piece) = self.json(name, argument)?
        {
            return Ok(piece);
        }
        if OTHER_NAMES.contains(&name) {
            return self.other(name);
        }
        if !WILD_NAMES.contains(&name) {
            let all: Vec<&str> = reserved_names().chain(settings).collect();
            let help = match content {
                "" => "write `{{` for a brace, `}}` for its end".into(),
                _ => format!(
                    "placeholders are {}; write `{{{{` for a brace",
                    join_with_or(all.iter().copied())
                ),
            };
            let error = self.error(name, format!("unknown placeholder `{{{name}}}`")).help(help);
            return Err(error.expecting("expected a placeholder").suggest(name, all));
        }
        if let Some(filter) = filters.first() {
            let error = self.error(filter, format!("`{{{name}}}` has no `.{filter}`"));
            return Err(error.expecting("only `{token}` and `{payload}` can be encoded or counted"));
        }
        self.wild(name, argument).map(TemplatePiece::Wildcard)
    }

    /// Parses a placeholder for a JSON value. Returns `None` if no such placeholder has the name.
    fn json(&self, name: &str, argument: Option<&str>) -> Result<Option<TemplatePiece>, FileError> {
        let kind = Kind::NAMES.into_iter().find(|(known, _)| *known == name).map(|(_, kind)| kind);
        match (kind, argument) {
            (Some(kind), None) => Ok(Some(TemplatePiece::Wildcard(Wildcard::Json(kind)))),
            (Some(_), Some(text)) => Err(self
                .error(text, format!("`{{{name}}}` stands for one JSON value, of any length"))
                .expecting("expected `}`")),
            (None, Some(pointer)) if name == "nulls" && pointer.starts_with('/') => {
                Ok(Some(TemplatePiece::Nulls(pointer.into())))
            }
            (None, _) if name == "nulls" => Err(self
                .error(self.content, "`{nulls}` without the place of a list".into())
                .expecting("expected a JSON pointer, such as `{nulls:/params/items}`")),
            (None, _) if WILD_NAMES.contains(&name) => {
                let names: Vec<&str> = Kind::NAMES.iter().map(|(name, _)| *name).collect();
                Err(self
                    .error(name, format!("`{{{name}}}` stands for bytes, and not for a JSON value"))
                    .expecting(format!("expected {}", join_with_or(names))))
            }
            (None, _) => Ok(None),
        }
    }

    /// Parses `{pid}`. Returns an error for a placeholder that stands for a JSON value, which only a protocol of JSON
    /// can have.
    fn other(&self, name: &str) -> Result<TemplatePiece, FileError> {
        if name == "pid" && self.content == name {
            let value = Value::Pid(std::process::id());
            return Ok(TemplatePiece::Known(KnownBytes { value, encoding: Encoding::Raw, length: None }));
        }
        let message = match name {
            "pid" => "`{pid}` is a number, and takes nothing more".into(),
            _ => format!("`{{{name}}}` stands for a JSON value"),
        };
        let error = self.error(name, message).expecting("it has no meaning here");
        Err(if name == "pid" { error } else { error.help("a protocol of JSON says `json = \"lines\"`") })
    }

    fn known(&self, name: &str, filters: &[&str], argument: Option<&str>) -> Result<KnownBytes, FileError> {
        let mut known = KnownBytes { value: Value::Payload, encoding: Encoding::Raw, length: None };
        for (index, &filter) in filters.iter().enumerate() {
            match filter {
                "hex" if index == 0 => known.encoding = Encoding::Hex,
                "base64" if index == 0 => known.encoding = Encoding::Base64,
                "len" if index + 1 == filters.len() => known.length = Some(LengthFormat::DECIMAL),
                _ => {
                    let error = self.error(filter, format!("`{{{name}}}` has no `.{filter}` here"));
                    let error = error.expecting("expected `hex`, `base64` or, at the end, `len`");
                    return Err(error.suggest(filter, ["hex", "base64", "len"]));
                }
            }
        }
        if name == "id" {
            known.value = Value::Id;
            if let Some(more) = filters.first().copied().or(argument) {
                let error = self.error(more, "`{id}` is a number in decimal digits".into());
                return Err(error.expecting("expected `}`"));
            }
        }
        if name == "token" {
            known.value = Value::Token(Token::LENGTH);
        }
        match argument {
            Some(argument) if known.length.is_some() => known.length = Some(self.number(argument)?),
            Some(argument) if name == "token" => known.value = Value::Token(self.token_length(argument)?),
            Some(argument) => {
                let error = self.error(argument, "a payload has the length that the check chooses".into());
                return Err(error.expecting("expected `}`"));
            }
            None => {}
        }
        Ok(known)
    }

    /// Returns the length format after `.len` in the placeholder of a setting. The format follows a colon and may be
    /// absent.
    pub(super) fn setting_length(&self, rest: &str) -> Result<LengthFormat, FileError> {
        match (rest, rest.strip_prefix(':')) {
            ("", _) => Ok(LengthFormat::DECIMAL),
            (_, Some(argument)) => self.number(argument),
            _ => Err(self
                .error(rest, "this follows no `.len`".into())
                .expecting("expected `:` and a number format")),
        }
    }

    fn token_length(&self, argument: &str) -> Result<usize, FileError> {
        let length = argument.parse().ok().filter(|length| (1..=Token::LENGTH).contains(length));
        length.ok_or_else(|| {
            self.error(argument, format!("a token has {} characters", Token::LENGTH))
                .expecting(format!("expected a number from 1 to {}", Token::LENGTH))
        })
    }

    fn number(&self, argument: &str) -> Result<LengthFormat, FileError> {
        LengthFormat::parse(argument).map_err(|(part, expected)| {
            let error = self.error(part, format!("unknown number format `{part}`"));
            error.expecting(expected).suggest(part, LengthFormat::names())
        })
    }

    fn wild(&self, name: &str, argument: Option<&str>) -> Result<Wildcard, FileError> {
        if name == "length" {
            return argument
                .map_or(Ok(LengthFormat::DECIMAL), |text| self.number(text))
                .map(Wildcard::Length);
        }
        if name == "lines" {
            return self.lines(argument);
        }
        let (class, least) = match name {
            "any" => (ByteClass::Any, 0),
            "line" => (ByteClass::Line, 0),
            "digits" => (ByteClass::Digit, 1),
            "hex" => (ByteClass::Hex, 1),
            "word" => (ByteClass::Word, 1),
            "space" => (ByteClass::Space, 1),
            _ => {
                return match argument {
                    None => Ok(Wildcard::Body),
                    Some(text) => {
                        let error = self.error(text, "`{body}` has the length that `{length}` read".into());
                        Err(error.expecting("expected `}`"))
                    }
                };
            }
        };
        let Some(argument) = argument else {
            return Ok(Wildcard::Class { class, least, most: None });
        };
        let exact = argument.parse().ok().filter(|number| (1..=1 << 30).contains(number));
        let exact: u64 = exact.ok_or_else(|| {
            let error = self.error(argument, format!("`{{{name}:…}}` takes a number of bytes"));
            error.expecting("expected a number above 0")
        })?;
        Ok(Wildcard::Class { class, least: exact, most: Some(exact) })
    }

    fn lines(&self, begin: Option<&str>) -> Result<Wildcard, FileError> {
        match begin.filter(|begin| !begin.is_empty() && !begin.contains('\\')) {
            Some(begin) => Ok(Wildcard::Lines(begin.into())),
            None => Err(self
                .error(
                    begin.unwrap_or(self.content),
                    "`{lines:…}` takes the text that each line begins with".into(),
                )
                .expecting("expected plain text, as in `{lines:220-}`")),
        }
    }
}
