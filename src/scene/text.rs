//! Texts of scenes: escapes, and names in braces that stand for bytes.

use std::collections::BTreeMap;
use std::ops::Range;

use super::token::Token;
use crate::protocol::{FileError, SourceText};

/// The names in braces that stand for the server's address and directory in every text of a scene.
pub(super) const PLACES: [&str; 5] = ["addr", "host", "port", "path", "dir"];

/// The name that stands in a pattern for any bytes, which are not kept.
pub(super) const ANY: &str = "any";

/// A text of a scene, as it is written: bytes, and names that stand for bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Text(pub Vec<Part>);

/// A part of a text of a scene.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    Bytes(Vec<u8>),
    /// A name in braces, and its place in the file.
    Name(String, Range<usize>),
}

impl Text {
    /// Returns the text of a scene that is nothing but `bytes`.
    pub fn of_bytes(bytes: Vec<u8>) -> Text {
        Text(vec![Part::Bytes(bytes)])
    }

    /// Parses the text in double quotes of `token`.
    ///
    /// # Errors
    /// An unknown escape, or a brace that is not closed.
    pub fn parse(source: &SourceText<'_>, token: &Token) -> Result<Text, FileError> {
        let mut parser = Parser { source, text: &token.text, start: token.span.start + 1, parts: Vec::new() };
        let mut at = 0;
        while at < token.text.len() {
            at += parser.part(at)?;
        }
        Ok(Text(parser.parts))
    }

    /// Returns this text as it is written, names in braces, for a sentence.
    pub fn shown(&self) -> String {
        let shown = |part: &Part| match part {
            Part::Bytes(bytes) => bytes.escape_ascii().to_string(),
            Part::Name(name, _) => format!("{{{name}}}"),
        };
        format!("\"{}\"", self.0.iter().map(shown).collect::<String>())
    }

    /// Returns the names in braces of this text, each with its place in the file.
    pub fn names(&self) -> impl Iterator<Item = (&str, Range<usize>)> {
        self.0.iter().filter_map(|part| match part {
            Part::Name(name, span) => Some((name.as_str(), span.clone())),
            Part::Bytes(_) => None,
        })
    }

    /// Returns the bytes of this text, with the bytes of `known` in the place of names. A name that is not known stands
    /// for nothing.
    pub fn fill(&self, known: &BTreeMap<String, Vec<u8>>) -> Vec<u8> {
        let parts = self.0.iter().map(|part| match part {
            Part::Bytes(bytes) => bytes.as_slice(),
            Part::Name(name, _) => known.get(name).map(Vec::as_slice).unwrap_or_default(),
        });
        parts.collect::<Vec<_>>().concat()
    }
}

/// Returns `word`, with the bytes of `known` in the place of names in braces. Other braces stay as they are.
pub(super) fn fill_names(word: &str, known: &BTreeMap<String, Vec<u8>>) -> Vec<u8> {
    let (mut filled, mut rest) = (Vec::new(), word);
    while let Some(start) = rest.find('{') {
        let name = rest[start + 1..].split_once('}').map(|(name, _)| name);
        let (bytes, length) = match name.and_then(|name| Some((known.get(name)?, name.len() + 2))) {
            Some((bytes, length)) => (bytes.as_slice(), length),
            None => (&b"{"[..], 1),
        };
        filled.extend_from_slice(&rest.as_bytes()[..start]);
        filled.extend_from_slice(bytes);
        rest = &rest[start + length..];
    }
    filled.extend_from_slice(rest.as_bytes());
    filled
}

struct Parser<'a> {
    source: &'a SourceText<'a>,
    text: &'a str,
    /// The place in the file at which the text begins, behind its quote.
    start: usize,
    parts: Vec<Part>,
}

impl Parser<'_> {
    /// Parses the part of the text at offset `at`, and returns the part's length.
    fn part(&mut self, at: usize) -> Result<usize, FileError> {
        let rest = &self.text[at..];
        if rest.starts_with('{') {
            return self.name(at);
        }
        if rest.starts_with('\\') {
            let (byte, length) = self.escape(at)?;
            self.push(&[byte]);
            return Ok(length);
        }
        let length = rest.find(['\\', '{']).unwrap_or(rest.len());
        self.push(&rest.as_bytes()[..length]);
        Ok(length)
    }

    fn push(&mut self, bytes: &[u8]) {
        match self.parts.last_mut() {
            Some(Part::Bytes(last)) => last.extend_from_slice(bytes),
            _ => self.parts.push(Part::Bytes(bytes.to_vec())),
        }
    }

    fn name(&mut self, at: usize) -> Result<usize, FileError> {
        let rest = &self.text[at + 1..];
        let length = rest.find(|letter: char| !is_name_letter(letter)).unwrap_or(rest.len());
        let span = self.start + at..self.start + at + 1 + length;
        if length == 0 || !rest[length..].starts_with('}') {
            let error = self.source.error(span, "this `{` begins no name");
            return Err(error.expecting("expected `{name}`").help(r"write `\{` for a brace"));
        }
        self.parts.push(Part::Name(rest[..length].to_owned(), span.start..span.end + 1));
        Ok(length + 2)
    }

    fn escape(&self, at: usize) -> Result<(u8, usize), FileError> {
        let rest = &self.text[at + 1..];
        let byte = match rest.chars().next() {
            Some('r') => b'\r',
            Some('n') => b'\n',
            Some('t') => b'\t',
            Some('0') => 0,
            Some(letter @ ('\\' | '"' | '{' | '}')) => letter as u8,
            Some('x') => {
                let digits = rest.get(1..3).and_then(|digits| u8::from_str_radix(digits, 16).ok());
                return digits.map(|byte| (byte, 4)).ok_or_else(|| self.wrong_escape(at, 2));
            }
            other => return Err(self.wrong_escape(at, 1 + other.map_or(0, char::len_utf8))),
        };
        Ok((byte, 2))
    }

    fn wrong_escape(&self, at: usize, length: usize) -> FileError {
        let span = self.start + at..self.start + at + length;
        let error = self.source.error(span, format!("unknown escape `{}`", &self.text[at..at + length]));
        error.expecting(r#"expected one of \r \n \t \0 \\ \" \{ \} \xHH"#)
    }
}

/// Whether `letter` may be in a name of a scene.
pub(super) fn is_name_letter(letter: char) -> bool {
    letter.is_ascii_lowercase() || letter.is_ascii_digit() || matches!(letter, '-' | '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_names_in_a_word_are_filled() {
        let known = BTreeMap::from([("addr".to_owned(), b"127.0.0.1:7".to_vec())]);
        let filled = |word| String::from_utf8(fill_names(word, &known)).unwrap();
        assert_eq!(filled("http://{addr}/{x}{addr"), "http://127.0.0.1:7/{x}{addr");
        assert_eq!(filled("{ print $1 } {{addr}}"), "{ print $1 } {127.0.0.1:7}");
    }
}
