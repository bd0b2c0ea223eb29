//! Splits a source file into code, and the prose of its comments and string literals.

/// One comment, paragraph or string literal.
#[derive(Debug, PartialEq, Eq)]
pub struct Prose {
    pub kind: Kind,
    /// The text, with each line break and indentation as one space.
    pub text: String,
    /// The line of each part of the text: the offset where it begins, and its number.
    lines: Vec<(usize, usize)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A doc comment.
    Doc,
    Comment,
    /// A string literal.
    Literal,
    /// A paragraph of a Markdown file.
    Page,
}

impl Prose {
    fn new(kind: Kind) -> Prose {
        Prose { kind, text: String::new(), lines: Vec::new() }
    }

    /// Returns the line that holds the text at `offset`.
    pub fn line_at(&self, offset: usize) -> usize {
        self.lines.iter().rev().find(|(start, _)| *start <= offset).map_or(0, |(_, line)| *line)
    }

    fn add(&mut self, line: usize, text: &str) {
        if !self.text.is_empty() {
            self.text.push(' ');
        }
        self.lines.push((self.text.len(), line));
        self.text.push_str(text.trim());
    }
}

/// A Rust file: its code with comments and the content of literals blanked out, and its prose.
pub struct Parts {
    pub code: String,
    pub prose: Vec<Prose>,
}

/// Splits a Rust file.
pub fn split_rust(text: &str) -> Parts {
    let mut scanner = Scanner { text, place: 0, line: 1, code: String::new(), prose: Vec::new() };
    while scanner.place < text.len() {
        scanner.step();
    }
    Parts { code: scanner.code, prose: paragraphs(scanner.prose) }
}

/// Splits a Markdown file into its paragraphs, without code blocks.
pub fn split_markdown(text: &str) -> Vec<Prose> {
    let mut found = Vec::new();
    let mut paragraph = Prose::new(Kind::Page);
    let mut in_block = false;
    for (number, line) in text.lines().enumerate() {
        let fence = line.trim_start().starts_with("```");
        if fence || line.trim().is_empty() || begins_item(line) {
            found.push(std::mem::replace(&mut paragraph, Prose::new(Kind::Page)));
        }
        in_block ^= fence;
        if !in_block && !fence {
            paragraph.add(number + 1, line.trim_start_matches(['-', '#', '*', '|', ' ']));
        }
    }
    found.push(paragraph);
    found.retain(|prose| !prose.text.is_empty());
    found
}

/// Whether a line begins a list item, a heading or a table row.
fn begins_item(line: &str) -> bool {
    ["- ", "* ", "#", "|"].iter().any(|start| line.trim_start().starts_with(start))
}

struct Scanner<'a> {
    text: &'a str,
    place: usize,
    line: usize,
    code: String,
    prose: Vec<(usize, Kind, &'a str)>,
}

impl<'a> Scanner<'a> {
    fn step(&mut self) {
        let rest = &self.text[self.place..];
        if rest.starts_with("//") {
            let end = rest.find('\n').unwrap_or(rest.len());
            self.comment(&rest[..end]);
        } else if let Some((open, hashes)) = raw_string(rest).filter(|_| !self.follows_word()) {
            let close = format!("\"{}", "#".repeat(hashes));
            let end = rest[open..].find(&close).map_or(rest.len(), |end| open + end);
            self.literal(&rest[..open], &rest[open..end]);
            self.blank(&rest[end..(end + close.len()).min(rest.len())]);
        } else if rest.starts_with('"') {
            let end = closing_quote(rest);
            self.literal("\"", &rest[1..end]);
            self.blank(&rest[end..(end + 1).min(rest.len())]);
        } else if let Some(length) = character(rest) {
            self.blank(&rest[..length]);
        } else {
            let letter = rest.chars().next().unwrap_or('\n');
            self.line += usize::from(letter == '\n');
            self.code.push(letter);
            self.place += letter.len_utf8();
        }
    }

    fn follows_word(&self) -> bool {
        self.code.ends_with(|last: char| last.is_alphanumeric() || last == '_')
    }

    fn comment(&mut self, text: &'a str) {
        let is_doc = text.starts_with("//!") || text.starts_with("///") && !text.starts_with("////");
        let kind = if is_doc { Kind::Doc } else { Kind::Comment };
        self.prose.push((self.line, kind, text.trim_start_matches(['/', '!'])));
        self.blank(text);
    }

    fn literal(&mut self, open: &str, content: &'a str) {
        self.prose.push((self.line, Kind::Literal, content));
        self.blank(open);
        self.blank(content);
    }

    /// Skips `text`, and writes as many spaces and line breaks to the code.
    fn blank(&mut self, text: &str) {
        for letter in text.chars() {
            self.code.push(if letter == '\n' { '\n' } else { ' ' });
        }
        self.line += text.matches('\n').count();
        self.place += text.len();
    }
}

/// Returns the length of the opening of a raw string, and the number of its `#`.
fn raw_string(text: &str) -> Option<(usize, usize)> {
    let rest = text.strip_prefix("br").or_else(|| text.strip_prefix('r'))?;
    let hashes = rest.len() - rest.trim_start_matches('#').len();
    let open = text.len() - rest.len() + hashes + 1;
    rest[hashes..].starts_with('"').then_some((open, hashes))
}

/// Returns where the string literal that begins `text` ends.
fn closing_quote(text: &str) -> usize {
    let mut is_escaped = false;
    for (place, letter) in text.char_indices().skip(1) {
        match letter {
            '"' if !is_escaped => return place,
            _ => is_escaped = letter == '\\' && !is_escaped,
        }
    }
    text.len()
}

/// Returns the length of a character literal at the start of `text`. A lifetime is none.
fn character(text: &str) -> Option<usize> {
    let inner = text.strip_prefix('\'')?;
    if inner.starts_with('\\') {
        return inner[2..].find('\'').map(|end| end + 4);
    }
    let letter = inner.chars().next()?;
    inner[letter.len_utf8()..].starts_with('\'').then(|| letter.len_utf8() + 2)
}

/// Joins comments on consecutive lines, and splits them at empty lines, list items and code blocks.
fn paragraphs(pieces: Vec<(usize, Kind, &str)>) -> Vec<Prose> {
    let mut found: Vec<Prose> = Vec::new();
    let (mut last, mut in_block) = (None, false);
    for (line, kind, text) in pieces {
        if kind == Kind::Literal {
            found.push(literal(line, text));
            last = None;
            continue;
        }
        let continues = last.is_some_and(|it| it == (line - 1, kind));
        in_block &= continues;
        let fence = text.trim_start().starts_with("```");
        in_block ^= fence;
        last = (!fence && !text.trim().is_empty()).then_some((line, kind));
        if !fence && text.trim().is_empty() {
            continue;
        }
        if fence || in_block {
            last = Some((line, kind));
            found.push(Prose::new(kind));
        } else if continues && !begins_item(text) && found.last().is_some_and(|it| it.kind == kind) {
            if let Some(prose) = found.last_mut() {
                prose.add(line, text);
            }
        } else {
            let mut prose = Prose::new(kind);
            prose.add(line, text.trim_start().trim_start_matches(['-', '#', '*', '|', ' ']));
            found.push(prose);
        }
    }
    found.retain(|prose| !prose.text.is_empty());
    found
}

fn literal(line: usize, content: &str) -> Prose {
    let mut prose = Prose::new(Kind::Literal);
    for (number, text) in content.lines().enumerate() {
        prose.add(line + number, text.trim_end_matches('\\'));
    }
    prose
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prose(text: &str) -> Vec<(Kind, String)> {
        split_rust(text).prose.into_iter().map(|it| (it.kind, it.text)).collect()
    }

    #[test]
    fn joins_comment_lines() {
        let found = prose("/// One\n/// two.\n///\n/// Three.\nfn f() {} // four\n");
        let expected = [(Kind::Doc, "One two."), (Kind::Doc, "Three."), (Kind::Comment, "four")]
            .map(|(kind, text)| (kind, text.to_owned()));
        assert_eq!(found, expected);
    }

    #[test]
    fn finds_string_literals() {
        let found = prose(
            "f(\"a // \\\" b\", r#\"c \"d\"\"#, '\"', b'\\'', \"e \\\n   f\"); fn g<'a>(x: &'a str) {}\n",
        );
        let expected = ["a // \\\" b", "c \"d\"", "e f"].map(|text| (Kind::Literal, text.to_owned()));
        assert_eq!(found, expected);
    }

    #[test]
    fn code_keeps_its_lines() {
        let parts = split_rust("let a = \"x\ny\"; // z\nlet b;\n");
        assert_eq!(parts.code, "let a =   \n  ;     \nlet b;\n");
    }

    #[test]
    fn text_knows_its_line() {
        let parts = split_rust("\n/// One\n/// two.\n");
        assert_eq!([0, 4].map(|offset| parts.prose[0].line_at(offset)), [2, 3]);
    }

    #[test]
    fn code_blocks_are_no_prose() {
        assert_eq!(prose("//! A.\n//!\n//! ```\n//! b();\n//! ```\n//! C.\n").len(), 2);
        assert_eq!(split_markdown("A.\n\n```\nb\n```\n\n| c | d |\n").len(), 2);
    }
}
