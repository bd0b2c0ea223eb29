//! Text for reports: excerpts of bytes, text made safe for a terminal, and counts with their nouns.

/// Describes the first difference between the bytes `actual` and `expected`, with its offset and the bytes from there
/// on. Returns `None` if `actual` is a prefix of `expected`.
///
/// `base` is the offset of both in the whole stream.
#[must_use]
pub fn describe_difference(expected: &[u8], actual: &[u8], base: usize) -> Option<String> {
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

/// Says whether bytes got lost or came twice: looks for the bytes `found`, received at the offset `at`, in all that was
/// expected. Returns `None` if they are too few, or are not in exactly one place nearby.
#[must_use]
pub fn describe_displacement(expected: &[u8], found: &[u8], at: usize) -> Option<String> {
    // More than 128, so that a server that clears the high bit of all byte values is not taken for one that repeats.
    const COMPARED: usize = 256;
    // Less than half of the length after which a payload repeats.
    const DISTANCE: usize = 512 << 10;
    let found = found.get(..COMPARED)?;
    let begin = at.saturating_sub(DISTANCE);
    let nearby = &expected[begin..expected.len().min(at.saturating_add(DISTANCE))];
    let mut places = nearby.windows(COMPARED).enumerate().filter(|(_, window)| *window == found);
    let (place, _) = places.next()?;
    let place = begin + place;
    match places.next() {
        Some(_) => None,
        None if place < at => Some(format!("these bytes belong at byte {place}, and were sent twice")),
        None => Some(format!(
            "these bytes belong at byte {place}: {} are missing",
            count_with_noun(place - at, "byte")
        )),
    }
}

/// Returns the first of some bytes as quoted text, with `\x` escapes for bytes that are not printable. The result is
/// safe to print on a terminal.
#[must_use]
pub fn excerpt(bytes: &[u8]) -> String {
    const SHOWN: usize = 24;
    if bytes.is_empty() {
        return "nothing".into();
    }
    let more = if bytes.len() > SHOWN { "…" } else { "" };
    let shown = bytes[..bytes.len().min(SHOWN)].escape_ascii().to_string();
    format!("\"{}\"{more}", one_line(&shown))
}

/// Makes text of another program, such as a server's output, safe to print on a terminal and in a log that a CI system
/// reads.
///
/// Escapes control characters, characters that change the writing direction, and the beginning of commands such as
/// `::error::` and `##[error]`. Keeps newlines and tabs.
#[must_use]
pub fn printable(text: &str) -> String {
    escape(text, |letter| !matches!(letter, '\n' | '\t'))
}

/// Makes text safe to print as [`printable`] does, and escapes newlines and tabs too. For names and paths, which a
/// report shows on one line.
#[must_use]
pub fn one_line(text: &str) -> String {
    escape(text, |_| true)
}

fn escape(text: &str, is_escaped_control: fn(char) -> bool) -> String {
    let is_escaped = |letter: char| {
        letter.is_control() && is_escaped_control(letter)
            || matches!(letter, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let mut shown = String::with_capacity(text.len());
    let mut is_line_start = true;
    for (place, letter) in text.char_indices() {
        if begins_command(&text[place..], is_line_start) {
            shown.extend(letter.escape_unicode());
        } else if is_escaped(letter) {
            shown.extend(letter.escape_default());
        } else {
            shown.push(letter);
        }
        is_line_start = letter == '\n' || is_line_start && letter.is_whitespace();
    }
    shown
}

/// Whether a CI system would take the line that `text` begins with for a command: GitHub Actions obeys `::name::` behind
/// white space and `##[name]` anywhere, Azure Pipelines and TeamCity obey theirs anywhere.
fn begins_command(text: &str, is_line_start: bool) -> bool {
    const ANYWHERE: [&str; 3] = ["##[", "##vso[", "##teamcity["];
    let line = text.lines().next().unwrap_or_default();
    let is_workflow_command = || line.strip_prefix("::").is_some_and(|rest| rest.contains("::"));
    ANYWHERE.iter().any(|command| line.starts_with(command)) || is_line_start && is_workflow_command()
}

/// Makes text safe to put into Markdown: escapes everything that Markdown or HTML would interpret.
#[cfg(feature = "cli")]
#[must_use]
pub(crate) fn markdown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in printable(text).chars() {
        match letter {
            '\n' | '\t' => shown.push(' '),
            '&' => shown.push_str("&amp;"),
            '<' => shown.push_str("&lt;"),
            '>' => shown.push_str("&gt;"),
            // On GitHub, @name notifies a user and #1 links to an issue.
            '@' => shown.push_str("&#64;"),
            '#' => shown.push_str("&#35;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '!' => shown.extend(['\\', letter]),
            other => shown.push(other),
        }
    }
    shown
}

/// Returns a count with its noun: `1 byte`, `4,096 bytes`.
#[must_use]
pub fn count_with_noun(number: usize, noun: &str) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    match noun.strip_suffix('y') {
        _ if number == 1 => format!("{text} {noun}"),
        Some(stem) if !stem.ends_with(['a', 'e', 'o']) => format!("{text} {stem}ies"),
        _ => format!("{text} {noun}s"),
    }
}

/// Suggests the names that contain `text`, or its part behind the last `/`. Suggests the most similar name if there are
/// none.
pub(crate) fn did_you_mean<N: AsRef<str>>(text: &str, names: impl IntoIterator<Item = N>) -> Option<String> {
    const MIN_LENGTH: usize = 3;
    let names: Vec<N> = names.into_iter().collect();
    let names = || names.iter().map(AsRef::as_ref);
    let part = text.rsplit('/').next().filter(|part| part.len() >= MIN_LENGTH);
    let mut similar: Vec<&str> =
        names().filter(|name| part.is_some_and(|part| name.contains(part))).collect();
    if similar.is_empty() {
        similar.extend(most_similar(text, names()));
    }
    let quoted: Vec<String> = similar.iter().map(|name| format!("'{name}'")).collect();
    (!quoted.is_empty()).then(|| format!("did you mean {}?", quoted.join(" or ")))
}

/// Returns the word of `words` that is most similar to the misspelt `wrong`, if it differs in few letters.
pub(crate) fn most_similar<'w>(wrong: &str, words: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
    let max = 1 + wrong.chars().count() / 4;
    words
        .into_iter()
        .map(|word| (strsim::damerau_levenshtein(wrong, word), word))
        .filter(|&(distance, word)| distance <= max && distance < word.len())
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, word)| word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn difference_names_its_offset() {
        let text = describe_difference(b"hello world", b"hello World", 100).unwrap();
        assert_eq!(text, r#"at byte 106: "World" instead of "world""#);
    }

    #[test]
    fn prefix_is_no_difference_but_an_extra_byte_is() {
        assert_eq!(describe_difference(b"abc", b"ab", 0), None);
        assert_eq!(describe_difference(b"abc", b"abc!", 0).unwrap(), r#"at byte 3: "!" instead of nothing"#);
    }

    #[test]
    fn displaced_bytes_show_what_is_missing_or_came_twice() {
        let sent: Vec<u8> = (0..4000u32).flat_map(u32::to_be_bytes).collect();
        let displaced = |from: usize, at: usize| describe_displacement(&sent, &sent[from..], at);
        assert_eq!(
            displaced(8000, 6000).unwrap(),
            "these bytes belong at byte 8000: 2,000 bytes are missing"
        );
        assert_eq!(displaced(4000, 6000).unwrap(), "these bytes belong at byte 4000, and were sent twice");
        assert_eq!(displaced(sent.len() - 80, 6000), None);
        assert_eq!(describe_displacement(&[7; 1000], &[7; 500], 20), None);
    }

    #[test]
    fn excerpt_escapes_control_bytes() {
        assert_eq!(excerpt(b"a ##[error]"), r#""a \u{23}#[error]""#);
        assert_eq!(excerpt(b"\x1b[2J\xff"), r#""\x1b[2J\xff""#);
    }

    #[test]
    fn printable_escapes_control_sequences() {
        assert_eq!(printable("\x1b[2Jok\n"), "\\u{1b}[2Jok\n");
        assert_eq!(printable("a\u{202e}b"), "a\\u{202e}b");
        assert_eq!(printable("\n  ::error::x\n::1 ::2"), "\n  \\u{3a}:error::x\n\\u{3a}:1 ::2");
        assert_eq!(printable("::1 a::b\nat ##[error]x"), "\\u{3a}:1 a::b\nat \\u{23}#[error]x");
        assert_eq!(printable("::1 connects\n## note"), "::1 connects\n## note");
        assert_eq!(one_line("a name\n\tpass  echo/empty"), "a name\\n\\tpass  echo/empty");
    }

    #[test]
    fn suggests_the_most_similar_name() {
        assert_eq!(did_you_mean("tpc", ["pipe", "tcp"]).unwrap(), "did you mean 'tcp'?");
        assert_eq!(did_you_mean("ecko/*", ["echo/*", "fd/*"]).unwrap(), "did you mean 'echo/*'?");
        assert_eq!(did_you_mean("elephant", ["pipe", "tcp"]), None);
    }

    #[test]
    fn suggests_all_names_that_contain_the_text() {
        let names = ["echo/half-close", "port/half-close", "fd/leak"];
        let hint = did_you_mean("life/half-close", names).unwrap();
        assert_eq!(hint, "did you mean 'echo/half-close' or 'port/half-close'?");
    }

    #[test]
    fn count_separates_thousands() {
        assert_eq!(count_with_noun(1, "byte"), "1 byte");
        assert_eq!(count_with_noun(5_767_168, "byte"), "5,767,168 bytes");
        assert_eq!([1, 2].map(|number| count_with_noun(number, "reply")), ["1 reply", "2 replies"]);
        assert_eq!(count_with_noun(2, "key"), "2 keys");
    }
}
