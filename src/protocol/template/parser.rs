//! Parses the text of a template.

use std::collections::BTreeMap;
use std::ops::Range;

use super::literal::{is_json_placeholder, json_run, read_base64, read_hex, read_literal};
use super::placeholder::PlaceholderText;
use super::written::{Notation, TemplateText};
use super::{Encoding, KnownBytes, Template, TemplatePart, TemplatePiece, Value};
use crate::protocol::error::FileError;

/// The settings of a protocol file: names and their texts, which may hold placeholders.
#[derive(Debug, Clone, Default)]
pub(in crate::protocol) struct Settings<'a> {
    pub(in crate::protocol) values: BTreeMap<String, TemplateText<'a>>,
}

impl<'a> Settings<'a> {
    pub(in crate::protocol) fn names(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str)
    }
}

/// Parses templates and notes which settings they use.
#[derive(Debug)]
pub(in crate::protocol) struct Parser<'s, 'a> {
    pub(in crate::protocol) settings: &'s Settings<'a>,
    pub(in crate::protocol) used: Vec<String>,
}

impl<'s, 'a> Parser<'s, 'a> {
    pub(in crate::protocol) fn new(settings: &'s Settings<'a>) -> Parser<'s, 'a> {
        Parser { settings, used: Vec::new() }
    }

    pub(in crate::protocol) fn parse(
        &mut self,
        written: &TemplateText<'a>,
        notation: Notation,
    ) -> Result<Template, FileError> {
        let mut template = Template::default();
        let text = written.text();
        let start = written.span.start;
        let mut at = 0;
        while at < text.len() {
            let rest = &text[at..];
            let doubled = rest.starts_with("{{") || rest.starts_with("}}");
            let opens = match notation {
                Notation::Json => is_json_placeholder(rest),
                _ => rest.starts_with('{') && !(doubled && notation == Notation::Text),
            };
            if opens {
                let length = self.placeholder(written, at, notation, &mut template)?;
                at += length;
                continue;
            }
            let (bytes, length) = match notation {
                Notation::Text => read_literal(written, at)?,
                Notation::Json => json_run(written, at),
                Notation::Hex => read_hex(written, at)?,
                Notation::Base64 => read_base64(written, at)?,
            };
            template.push_bytes(bytes, start + at..start + at + length);
            at += length;
        }
        Ok(template)
    }

    /// Parses the placeholder at offset `at` of a template, and returns its length.
    fn placeholder(
        &mut self,
        written: &TemplateText<'a>,
        at: usize,
        notation: Notation,
        template: &mut Template,
    ) -> Result<usize, FileError> {
        let text = &written.text()[at..];
        let start = written.span.start + at;
        let Some(close) = text[1..].find(['}', '{', '\n']).filter(|&end| text[1 + end..].starts_with('}'))
        else {
            let error =
                written.source.error(start..start + 1, "this `{` opens a placeholder that never ends");
            return Err(error.expecting("expected a `}` after it").help("write `{{` for a brace"));
        };
        let length = close + 2;
        let span = start..start + length;
        let content = &text[1..=close];
        if self.settings.values.contains_key(content) {
            self.insert_setting(content, notation, span, template)?;
            return Ok(length);
        }
        if let Some((name, _)) =
            content.split_once(".len").filter(|(name, _)| self.settings.values.contains_key(*name))
        {
            let place = PlaceholderText { source: written.source, start: start + 1, content };
            let number = place.setting_length(&content[name.len() + ".len".len()..])?;
            let counted = self.setting_bytes(name, &place)?;
            template.push_bytes(number.encode(counted), span);
            return Ok(length);
        }
        let place = PlaceholderText { source: written.source, start: start + 1, content };
        let piece = place.piece(notation, self.settings.names())?;
        template.parts.push(TemplatePart { piece, span });
        Ok(length)
    }

    /// Returns the length of a setting's text in bytes.
    fn setting_bytes(&mut self, name: &str, place: &PlaceholderText<'_>) -> Result<u64, FileError> {
        let mut inserted = Template::default();
        self.insert_setting(name, Notation::Text, 0..0, &mut inserted)?;
        let lengths = inserted.parts.iter().map(|part| match &part.piece {
            TemplatePiece::Bytes(bytes) => Some(bytes.len() as u64),
            TemplatePiece::Known(KnownBytes {
                value: Value::Token(length), encoding: Encoding::Raw, ..
            }) => Some(*length as u64),
            _ => None,
        });
        let sum: Option<u64> = lengths.sum();
        sum.ok_or_else(|| {
            place
                .error(place.content, format!("the length of `{{{name}}}` varies"))
                .expecting("expected a setting of bytes and `{token}`")
        })
    }

    /// Inserts the parts of a setting into a template, in the place of the setting's placeholder.
    fn insert_setting(
        &mut self,
        name: &str,
        notation: Notation,
        span: Range<usize>,
        template: &mut Template,
    ) -> Result<(), FileError> {
        if !self.used.iter().any(|used| used == name) {
            self.used.push(name.into());
        }
        // A setting may hold `{token}`, but no other setting: so it ends.
        let none = Settings::default();
        let notation = if notation == Notation::Json { notation } else { Notation::Text };
        let inserted = Parser::new(&none).parse(&self.settings.values[name], notation)?;
        for part in inserted.parts {
            match part.piece {
                TemplatePiece::Bytes(bytes) => template.push_bytes(bytes, span.clone()),
                piece => template.parts.push(TemplatePart { piece, span: span.clone() }),
            }
        }
        Ok(())
    }
}
