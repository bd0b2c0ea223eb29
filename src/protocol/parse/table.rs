//! Typed access to the keys of a TOML table.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::keys::FILE_KEYS;
use crate::protocol::error::{FileError, SourceText, join_with_or};
use crate::protocol::template::TemplateText;
use crate::text::most_similar;

/// A TOML table of a protocol file, or of `echospec.toml`.
#[derive(Clone)]
pub(crate) struct Table<'a, 't> {
    pub(crate) source: SourceText<'a>,
    pub(crate) table: &'t DeTable<'a>,
    pub(crate) span: Range<usize>,
}

pub(crate) type Value<'a> = Spanned<DeValue<'a>>;

impl<'a, 't> Table<'a, 't> {
    pub(crate) fn get(&self, key: &str) -> Option<&'t Value<'a>> {
        self.table.get(key)
    }

    pub(crate) fn key_span(&self, key: &str) -> Range<usize> {
        let found = self.table.keys().find(|known| known.get_ref() == key);
        found.map_or(self.span.clone(), Spanned::span)
    }

    /// Returns an error if the table has a key that is not one of `keys`.
    pub(crate) fn reject_other_keys(&self, what: &str, keys: &[&str]) -> Result<(), FileError> {
        match self.unknown_key(keys) {
            Some(key) if FILE_KEYS.contains(&key.get_ref().as_ref()) => {
                let name = key.get_ref();
                let error = self.source.error(key.span(), format!("unknown key `{name}` in {what}"));
                let help = format!("move `{name}` to the top of the file, above the first `[`");
                Err(error.expecting(format!("not a key of {what}")).help(help))
            }
            _ => self.has_only(what, keys),
        }
    }

    /// Returns the table's first key that is not one of `keys`.
    fn unknown_key(&self, keys: &[&str]) -> Option<&'t Spanned<DeString<'a>>> {
        let wrong = self.table.keys().filter(|key| !keys.contains(&key.get_ref().as_ref()));
        wrong.min_by_key(|key| key.span().start)
    }

    /// Returns an error, which suggests the most similar key, if the table has a key that is not one of `keys`.
    pub(crate) fn has_only(&self, what: &str, keys: &[&str]) -> Result<(), FileError> {
        let Some(key) = self.unknown_key(keys) else { return Ok(()) };
        let name = key.get_ref().as_ref();
        let error = self.source.error(key.span(), format!("unknown key `{name}` in {what}"));
        let all = || format!("expected {}", join_with_or(keys.iter().copied()));
        match most_similar(name, keys.iter().copied()) {
            Some(near) => Err(error.expecting("no such key").help(format!("did you mean `{near}`?"))),
            None => Err(error.expecting(all())),
        }
    }

    pub(crate) fn wrong_type(&self, key: &str, value: &Value<'_>, expected: &str) -> FileError {
        let message = format!("`{key}` is {}", describe_type(value.get_ref()));
        self.source.error(value.span(), message).expecting(format!("expected {expected}"))
    }

    pub(crate) fn wrong_value(&self, key: &str, value: &Value<'_>, expected: &str) -> FileError {
        let message = format!("this is no value for `{key}`");
        self.source.error(value.span(), message).expecting(format!("expected {expected}"))
    }

    pub(crate) fn string(&self, key: &str) -> Result<Option<(&'t str, Range<usize>)>, FileError> {
        let Some(value) = self.get(key) else { return Ok(None) };
        match value.get_ref().as_str() {
            Some(text) => Ok(Some((text, value.span()))),
            None => Err(self.wrong_type(key, value, "a string")),
        }
    }

    /// Returns the text of a key that the table must have. In errors, `what` names the table and `expected` the value.
    pub(crate) fn required_string(
        &self,
        key: &str,
        what: &str,
        expected: &str,
    ) -> Result<(&'t str, Range<usize>), FileError> {
        self.string(key)?.ok_or_else(|| self.missing(key, what, expected))
    }

    /// Returns an error for a key that the table lacks.
    pub(crate) fn missing(&self, key: &str, what: &str, expected: &str) -> FileError {
        let error = self.source.error(self.span.clone(), format!("{what} needs the key `{key}`"));
        error.expecting(format!("expected {expected}"))
    }

    pub(crate) fn boolean(&self, key: &str) -> Result<Option<bool>, FileError> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let found = value.get_ref().as_bool();
        found.map(Some).ok_or_else(|| self.wrong_type(key, value, "`true` or `false`"))
    }

    pub(crate) fn integer(&self, key: &str, most: u64) -> Result<Option<u64>, FileError> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let number = value
            .get_ref()
            .as_integer()
            .and_then(|number| u64::from_str_radix(&number.as_str().replace('_', ""), number.radix()).ok());
        let number = number.filter(|number| *number <= most);
        number.map(Some).ok_or_else(|| self.wrong_value(key, value, &format!("a number from 0 to {most}")))
    }

    pub(in crate::protocol) fn template_text(
        &self,
        key: &str,
    ) -> Result<Option<TemplateText<'a>>, FileError> {
        let text = self.string(key)?;
        Ok(text.map(|(_, span)| TemplateText::quoted(self.source, span)))
    }

    pub(crate) fn table(&self, key: &str) -> Result<Option<Table<'a, 't>>, FileError> {
        let Some(value) = self.get(key) else { return Ok(None) };
        match value.get_ref() {
            DeValue::Table(table) => Ok(Some(Table { source: self.source, table, span: self.key_span(key) })),
            _ => Err(self.wrong_type(key, value, &format!("a table: `[{key}]`"))),
        }
    }

    pub(crate) fn parse_tables(&self, key: &str) -> Result<Vec<Table<'a, 't>>, FileError> {
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

    /// Returns the entries of the table in the order of the file.
    #[cfg(feature = "cli")]
    pub(crate) fn entries(&self) -> Vec<(&'t Spanned<DeString<'a>>, &'t Value<'a>)> {
        let mut entries: Vec<_> = self.table.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        entries
    }

    pub(crate) fn has_any(&self, keys: &[&str]) -> bool {
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
