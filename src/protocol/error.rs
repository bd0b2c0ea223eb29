//! Errors in protocol files, shown with the line and a caret.

use std::fmt;
use std::ops::Range;

use crate::text::most_similar;

/// A mistake in a protocol file or in `echospec.toml`: what is wrong, where, and what to do.
///
/// `Display` shows the line of the file with carets under the mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileError {
    /// A description of the mistake in the file, in one sentence.
    pub message: String,
    /// The text or value that was expected in the file, shown beside the carets.
    pub expected: String,
    /// The advice on how to correct the mistake.
    pub help: Option<String>,
    /// The place of the mistake in the file.
    pub place: Box<MistakePlace>,
}

/// A place in a protocol file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MistakePlace {
    /// The name of the protocol file as the caller gave it, or the option that held the text.
    pub file: String,
    /// The number of the line in the file, counted from 1.
    pub line: usize,
    /// The first wrong column of the line, counted in characters from 1.
    pub column: usize,
    /// The number of wrong characters, which carets underline.
    pub width: usize,
    /// The text of the line that holds the mistake.
    pub text: String,
}

impl FileError {
    pub(crate) fn expecting(mut self, expected: impl Into<String>) -> FileError {
        self.expected = expected.into();
        self
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> FileError {
        self.help = Some(help.into());
        self
    }

    /// Adds the help "did you mean" with the word of `words` that is most similar to `wrong`, if one is similar.
    pub(crate) fn suggest<'w>(self, wrong: &str, words: impl IntoIterator<Item = &'w str>) -> FileError {
        match most_similar(wrong, words) {
            Some(word) => self.help(format!("did you mean `{word}`?")),
            None => self,
        }
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let MistakePlace { file, line, column, width, text } = &*self.place;
        let number = line.to_string();
        let gutter = " ".repeat(number.len());
        // A tab stays a tab, so that the carets stand under their text.
        let before = text.chars().take(column - 1);
        let indent: String = before.map(|letter| if letter == '\t' { '\t' } else { ' ' }).collect();
        let carets = "^".repeat(*width);
        writeln!(f, "{}", self.message)?;
        writeln!(f, "{gutter}--> {file}:{line}:{column}")?;
        writeln!(f, "{gutter} |")?;
        writeln!(f, "{number} | {text}")?;
        write!(f, "{gutter} | {indent}{carets}")?;
        if !self.expected.is_empty() {
            write!(f, " {}", self.expected)?;
        }
        if let Some(help) = &self.help {
            write!(f, "\n{gutter} = help: {help}")?;
        }
        Ok(())
    }
}

impl std::error::Error for FileError {}

/// The text of a protocol file and the name under which errors show it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SourceText<'a> {
    pub(crate) file: &'a str,
    pub(crate) text: &'a str,
}

impl SourceText<'_> {
    /// Returns a file error that marks the bytes `span` of this text.
    pub(crate) fn error(&self, span: Range<usize>, message: impl Into<String>) -> FileError {
        let start = floor(self.text, span.start);
        let end = floor(self.text, span.end).max(start);
        let first = self.text[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let rest = &self.text[first..];
        let excerpt = rest.split('\n').next().unwrap_or_default().trim_end_matches('\r');
        let marked = &self.text[start..end.min(first + excerpt.len()).max(start)];
        FileError {
            message: message.into(),
            expected: String::new(),
            help: None,
            place: Box::new(MistakePlace {
                file: self.file.into(),
                line: self.text[..first].matches('\n').count() + 1,
                column: self.text[first..start].chars().count() + 1,
                width: marked.chars().count().max(1),
                text: excerpt.into(),
            }),
        }
    }
}

/// Returns the nearest character boundary of `text` at or before `offset`.
fn floor(text: &str, offset: usize) -> usize {
    let offset = offset.min(text.len());
    (0..=offset).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0)
}

/// Joins words into one phrase for a sentence: `a`, `b` or `c`.
pub(crate) fn join_with_or<'w>(words: impl IntoIterator<Item = &'w str>) -> String {
    let quoted: Vec<String> = words.into_iter().map(|word| format!("`{word}`")).collect();
    join_or(&quoted)
}

pub(crate) fn join_or(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}
