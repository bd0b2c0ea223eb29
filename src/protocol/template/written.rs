//! The text of a template in its file.

use std::ops::Range;

use crate::protocol::error::SourceText;

/// The notation in which a protocol file writes a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::protocol) enum Notation {
    /// The template is text with escapes such as `\r\n` and `\xff`.
    Text,
    /// The template is pairs of hexadecimal digits.
    Hex,
    /// The template is JSON, in which a brace begins a placeholder only before a lowercase letter.
    Json,
    /// The template is base64. Each run between placeholders is encoded on its own.
    Base64,
}

/// The text of a template: the bytes `span` of a source, without its quotes.
#[derive(Debug, Clone)]
pub(in crate::protocol) struct TemplateText<'a> {
    pub(in crate::protocol) source: SourceText<'a>,
    pub(in crate::protocol) span: Range<usize>,
}

impl<'a> TemplateText<'a> {
    /// Returns a template text that is all of `text`, as an option of the command line gives it.
    pub(in crate::protocol) fn whole(file: &'a str, text: &'a str) -> TemplateText<'a> {
        TemplateText { source: SourceText { file, text }, span: 0..text.len() }
    }

    /// Returns the content of a TOML string, whose `span` includes the quotes.
    ///
    /// The text is taken as the file has it: TOML would make two bytes of `\xff`.
    pub(in crate::protocol) fn quoted(source: SourceText<'a>, span: Range<usize>) -> TemplateText<'a> {
        let text = &source.text[span.clone()];
        let quotes = match text.as_bytes() {
            [a @ (b'"' | b'\''), b, c, ..] if a == b && b == c && text.len() >= 6 => 3,
            _ => 1,
        };
        let mut start = span.start + quotes;
        let end = (span.end - quotes).max(start);
        if quotes == 3 {
            // TOML drops a line end right after the opening quotes.
            let newline = ["\r\n", "\n"].into_iter().find(|end| source.text[start..].starts_with(end));
            start += newline.map_or(0, str::len);
        }
        TemplateText { source, span: start..end.max(start) }
    }

    pub(super) fn text(&self) -> &'a str {
        &self.source.text[self.span.clone()]
    }
}
