//! The words of one line of a scene, each with its place in the file.

use std::ops::Range;

use crate::protocol::{FileError, SourceText};

/// A word, or a text in double quotes, of a line of a scene.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    /// The characters of the token; those of a text without its quotes, and with its escapes as they are written.
    pub text: String,
    /// Whether the token is a text in double quotes.
    pub quoted: bool,
    /// The place of the token in the file. That of a text includes its quotes.
    pub span: Range<usize>,
}

/// Splits the line of a scene at `line`, a place in `source`, into tokens. A `#` outside of quotes begins a comment.
///
/// # Errors
/// A text without its second quote.
pub(super) fn tokens(source: &SourceText<'_>, line: Range<usize>) -> Result<Vec<Token>, FileError> {
    let (mut found, mut at) = (Vec::new(), line.start);
    while let Some(letter) = source.text[at..line.end].chars().next() {
        if letter == '#' {
            break;
        }
        if letter.is_whitespace() {
            at += letter.len_utf8();
            continue;
        }
        let rest = &source.text[at..line.end];
        let token = if letter == '"' { quoted(source, at, rest)? } else { word(at, rest) };
        at = token.span.end;
        found.push(token);
    }
    Ok(found)
}

/// Returns the comment of a line of a scene without its `#`, if the line is nothing else.
pub(super) fn comment(line: &str) -> Option<&str> {
    line.trim().strip_prefix('#').map(str::trim)
}

fn word(at: usize, rest: &str) -> Token {
    let length = rest.find(|letter: char| letter.is_whitespace() || letter == '"').unwrap_or(rest.len());
    Token { text: rest[..length].to_owned(), quoted: false, span: at..at + length }
}

fn quoted(source: &SourceText<'_>, at: usize, rest: &str) -> Result<Token, FileError> {
    let mut escaped = false;
    let end = rest[1..].find(|letter: char| {
        let ends = letter == '"' && !escaped;
        escaped = letter == '\\' && !escaped;
        ends
    });
    let Some(end) = end else {
        let error = source.error(at..at + rest.trim_end().len(), "this text has no end");
        return Err(error.expecting("expected a second `\"`").help(r#"write `\"` for a quote in a text"#));
    };
    Ok(Token { text: rest[1..=end].to_owned(), quoted: true, span: at..at + end + 2 })
}
