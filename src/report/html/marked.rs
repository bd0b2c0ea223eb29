//! Marks the first wrong byte in a text such as `at byte 106: "World" instead of "world"`.

use serde::Serialize;

/// A piece of text in an HTML report, marked or not.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Piece {
    pub text: String,
    pub is_marked: bool,
}

/// Splits `text` of a finding so that the first wrong byte is marked in both excerpts, of what was expected and
/// received. Other text stays one piece.
pub(super) fn mark_first_wrong_byte(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(start) = next_excerpt(rest) {
        let (before, excerpt) = rest.split_at(start);
        let length = byte_length(excerpt);
        let (byte, after) = excerpt.split_at(length);
        pieces.push(Piece { text: before.to_owned(), is_marked: false });
        pieces.push(Piece { text: byte.to_owned(), is_marked: true });
        rest = after;
    }
    pieces.push(Piece { text: rest.to_owned(), is_marked: false });
    pieces.retain(|piece| !piece.text.is_empty());
    pieces
}

/// Returns the position of the next excerpt in `text` that begins at a wrong byte, behind its quote.
fn next_excerpt(text: &str) -> Option<usize> {
    let after_offset = text.match_indices("at byte ").find_map(|(at, word)| {
        let rest = &text[at + word.len()..];
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        rest[digits..].starts_with(": \"").then_some(at + word.len() + digits + 3)
    });
    let instead = text.find(" instead of \"").map(|at| at + " instead of \"".len());
    [after_offset, instead].into_iter().flatten().min().filter(|&at| !text[at..].starts_with('"'))
}

/// Returns the length of one byte in a quoted excerpt: a letter, `\n`, or `\xff`.
fn byte_length(excerpt: &str) -> usize {
    let escape = if excerpt.starts_with("\\x") { 4 } else { 2 };
    if excerpt.starts_with('\\') {
        (0..=escape.min(excerpt.len())).rev().find(|&end| excerpt.is_char_boundary(end)).unwrap_or_default()
    } else {
        excerpt.chars().next().map_or(0, char::len_utf8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(text: &str) -> String {
        let pieces = mark_first_wrong_byte(text);
        pieces
            .iter()
            .map(|it| if it.is_marked { format!("[{}]", it.text) } else { it.text.clone() })
            .collect()
    }

    #[test]
    fn marks_the_first_byte_of_both_excerpts() {
        assert_eq!(
            marked(r#"at byte 106: "World" instead of "world""#),
            r#"at byte 106: "[W]orld" instead of "[w]orld""#
        );
        assert_eq!(
            marked(r#"at byte 0: "\xffa" instead of nothing"#),
            r#"at byte 0: "[\xff]a" instead of nothing"#
        );
    }

    #[test]
    fn leaves_other_text_alone() {
        for text in ["", "3 bytes", "at byte x: \"", "at byte 1: \"", "at byte 2: \"\\", "instead of \""] {
            assert_eq!(marked(text), text.replace("\"\\", "\"[\\]"));
        }
    }
}
