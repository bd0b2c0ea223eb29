//! Marks the first wrong byte in a text such as `at byte 106: "World" instead of "world"`.

use serde::Serialize;

/// A piece of text in a report, marked or not.
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

/// Returns the offset of the first wrong byte in `text` of a finding, and the quoted excerpts of the received and of the
/// expected bytes. Returns `None` if `text` does not quote both.
pub(super) fn excerpts(text: &str) -> Option<(&str, &str, &str)> {
    let (_, rest) = text.split_once("at byte ")?;
    let (offset, rest) = rest.split_once(": ")?;
    let (received, rest) = rest.split_once(" instead of ")?;
    let is_number = !offset.is_empty() && offset.bytes().all(|byte| byte.is_ascii_digit());
    let expected = rest.lines().next().unwrap_or_default();
    let end = expected.rfind('"').map_or(0, |end| end + 1);
    let end = end + if expected[end..].starts_with('…') { '…'.len_utf8() } else { 0 };
    let expected = if expected.starts_with('"') { &expected[..end] } else { expected };
    is_number.then_some((offset, received, expected))
}

/// Returns the number of columns that the first byte of a quoted `excerpt` takes.
pub(super) fn shown_length(excerpt: &str) -> usize {
    excerpt.strip_prefix('"').map_or(0, |text| text[..byte_length(text)].chars().count())
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
    fn finds_both_excerpts() {
        let text = r#"after 3 bytes: at byte 106: "Wor\"ld"… instead of "world"…, with 4,096 bytes"#;
        assert_eq!(excerpts(text), Some(("106", r#""Wor\"ld"…"#, r#""world"…"#)));
        assert_eq!(excerpts(r#"at byte 7: nothing instead of "a""#), Some(("7", "nothing", r#""a""#)));
        assert_eq!(excerpts("at byte x: y instead of z"), None);
        assert_eq!(excerpts("end of file"), None);
        assert_eq!([r#""\xff1""#, r#""a""#, "nothing"].map(shown_length), [4, 1, 0]);
    }

    #[test]
    fn leaves_other_text_alone() {
        for text in ["", "3 bytes", "at byte x: \"", "at byte 1: \"", "at byte 2: \"\\", "instead of \""] {
            assert_eq!(marked(text), text.replace("\"\\", "\"[\\]"));
        }
    }
}
