//! Text for reports: bytes and foreign text made safe to show, counts with their nouns.

/// Where `actual` first departs from `expected`, in words with the bytes around the place; `None` if
/// `actual` is what `expected` begins with.
///
/// `base` is the offset of both in the whole stream.
#[must_use]
pub fn difference(expected: &[u8], actual: &[u8], base: usize) -> Option<String> {
    let offset = expected
        .iter()
        .zip(actual)
        .position(|(wanted, got)| wanted != got)
        .or_else(|| (actual.len() > expected.len()).then_some(expected.len()))?;
    Some(format!(
        "at byte {}: {} instead of {}",
        base + offset,
        excerpt(&actual[offset..]),
        excerpt(&expected[offset..])
    ))
}

/// The first bytes, printable ones as text and the rest as `\x` escapes: safe to show on a terminal.
#[must_use]
pub fn excerpt(bytes: &[u8]) -> String {
    const SHOWN: usize = 24;
    if bytes.is_empty() {
        return "nothing".into();
    }
    let more = if bytes.len() > SHOWN { "…" } else { "" };
    format!("\"{}\"{more}", bytes[..bytes.len().min(SHOWN)].escape_ascii())
}

/// Text that somebody else chose, such as a server's output, so that it cannot steer the terminal it is shown on:
/// control characters and those that change the direction of writing are escaped. Its lines stay lines.
#[must_use]
pub fn printable(text: &str) -> String {
    escape(text, |letter| !matches!(letter, '\n' | '\t'))
}

/// The same for a name or a path, which is one line of a report whatever is in it.
#[must_use]
pub fn one_line(text: &str) -> String {
    escape(text, |_| true)
}

fn escape(text: &str, also: fn(char) -> bool) -> String {
    let steers = |letter: char| {
        letter.is_control() && also(letter)
            || matches!(letter, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        if steers(letter) { shown.extend(letter.escape_default()) } else { shown.push(letter) }
    }
    shown
}

/// `1 byte`, `4,096 bytes`: a count with its noun, thousands separated.
#[must_use]
pub fn count(number: usize, noun: &str) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    format!("{text} {noun}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_difference_is_named_with_its_offset() {
        let text = difference(b"hello world", b"hello World", 100).unwrap();
        assert_eq!(text, r#"at byte 106: "World" instead of "world""#);
    }

    #[test]
    fn a_correct_beginning_is_no_difference_and_one_byte_too_many_is() {
        assert_eq!(difference(b"abc", b"ab", 0), None);
        assert_eq!(difference(b"abc", b"abc!", 0).unwrap(), r#"at byte 3: "!" instead of nothing"#);
    }

    #[test]
    fn control_bytes_never_reach_the_terminal() {
        assert_eq!(excerpt(b"\x1b[2J\xff"), r#""\x1b[2J\xff""#);
    }

    #[test]
    fn control_sequences_are_shown_and_not_obeyed() {
        assert_eq!(printable("\x1b[2Jok\n"), "\\u{1b}[2Jok\n");
        assert_eq!(printable("a\u{202e}b"), "a\\u{202e}b");
        assert_eq!(one_line("a name\n\tpass  echo/empty"), "a name\\n\\tpass  echo/empty");
    }

    #[test]
    fn counts_are_read_at_a_glance() {
        assert_eq!(count(1, "byte"), "1 byte");
        assert_eq!(count(5_767_168, "byte"), "5,767,168 bytes");
    }
}
