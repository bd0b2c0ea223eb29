//! The vocabulary of outcomes, and saying where two byte strings differ.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How strongly a check binds a server, in the words of RFC 2119.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Nice to know: a limit, a habit.
    May,
    /// Good practice; there can be reasons to do otherwise.
    Should,
    /// Demanded by a standard or by the mechanism's own manual page.
    Must,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Level::May => "may",
            Level::Should => "should",
            Level::Must => "must",
        })
    }
}

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// The server does as the sentence says.
    Pass,
    /// It does not, and it must.
    Fail,
    /// It does not, and it should.
    Warn,
    /// Worth knowing; nobody demands otherwise.
    Info,
    /// Not run, or not asked, for the reason given.
    Skipped,
    /// This system, or this server, has no such thing.
    Unsupported,
    /// Nothing moved for as long as the harness waits.
    Timeout,
    /// The server ended in the middle of the check.
    Crash,
    /// Something was left behind.
    Leak,
    /// The harness could not bring about what the check needs. Says nothing about the server.
    Broken,
    /// Failed, then passed when tried again.
    Flaky,
    /// Failed as the expectations file says it does.
    Xfail,
    /// Passed although the expectations file says it fails.
    Xpass,
}

impl Outcome {
    /// The word for it, as reports and JSON write it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Outcome::Pass => "pass",
            Outcome::Fail => "fail",
            Outcome::Warn => "warn",
            Outcome::Info => "info",
            Outcome::Skipped => "skipped",
            Outcome::Unsupported => "unsupported",
            Outcome::Timeout => "timeout",
            Outcome::Crash => "crash",
            Outcome::Leak => "leak",
            Outcome::Broken => "broken",
            Outcome::Flaky => "flaky",
            Outcome::Xfail => "xfail",
            Outcome::Xpass => "xpass",
        }
    }

    /// Whether this outcome says that the server is wrong, so that the run as a whole has failed.
    #[must_use]
    pub const fn condemns(self) -> bool {
        matches!(self, Outcome::Fail | Outcome::Timeout | Outcome::Crash | Outcome::Leak | Outcome::Xpass)
    }

    /// A server that misses a SHOULD is warned; what it MAY do otherwise is only told.
    #[must_use]
    pub const fn at(self, level: Level) -> Outcome {
        match level {
            Level::Must => self,
            Level::Should if self.condemns() => Outcome::Warn,
            Level::May if self.condemns() => Outcome::Info,
            _ => self,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// What a check says: nothing if all is well.
pub type Verdict<T = ()> = Result<T, Finding>;

/// Why a check did not pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub outcome: Outcome,
    /// What should have been seen.
    pub expected: String,
    /// What was seen.
    pub actual: String,
    /// The likely cause, where evidence tells; else empty.
    pub reason: String,
    /// What came back is not what was sent: it is the echo itself that is wrong.
    pub of_echo: bool,
}

impl Finding {
    /// The server did `actual` where it should have done `expected`.
    pub fn fail(expected: impl Into<String>, actual: impl Into<String>) -> Finding {
        Finding::new(Outcome::Fail, expected, actual)
    }

    /// Nothing happened for as long as the harness waits.
    pub fn timeout(expected: impl Into<String>, actual: impl Into<String>) -> Finding {
        Finding::new(Outcome::Timeout, expected, actual)
    }

    /// All of `left` is there still, and should not be. A few are named.
    pub fn leak(expected: impl Into<String>, left: &[String]) -> Finding {
        const NAMED: usize = 4;
        let mut names = left[..left.len().min(NAMED)].join(", ");
        if left.len() > NAMED {
            names.push_str(&format!(" and {} more", left.len() - NAMED));
        }
        Finding::new(Outcome::Leak, expected, format!("still there: {names}"))
    }

    /// A limit or habit that nobody forbids, with its figure.
    pub fn info(expected: impl Into<String>, actual: impl Into<String>) -> Finding {
        Finding::new(Outcome::Info, expected, actual)
    }

    /// The harness could not set up what the check needs.
    pub fn broken(needed: impl Into<String>, actual: impl Into<String>) -> Finding {
        Finding::new(Outcome::Broken, needed, actual)
    }

    /// This system has no such thing.
    pub fn unsupported(needed: impl Into<String>, actual: impl Into<String>) -> Finding {
        Finding::new(Outcome::Unsupported, needed, actual)
    }

    /// Not asked, for the reason given.
    #[must_use]
    pub fn skipped(reason: impl AsRef<str>) -> Finding {
        Finding::new(Outcome::Skipped, "", "").because(reason)
    }

    /// The user ended the run.
    #[must_use]
    pub fn interrupted() -> Finding {
        Finding::skipped("interrupted")
    }

    fn new(outcome: Outcome, expected: impl Into<String>, actual: impl Into<String>) -> Finding {
        Finding {
            outcome,
            expected: expected.into(),
            actual: actual.into(),
            reason: String::new(),
            of_echo: false,
        }
    }

    /// Marks it as one about the echo itself. A server that never echoes is found out by this in every check that
    /// begins with an exchange, whatever the check is about.
    #[must_use]
    pub fn about_echo(self) -> Finding {
        Finding { of_echo: true, ..self }
    }

    /// Adds the likely cause.
    #[must_use]
    pub fn because(mut self, reason: impl AsRef<str>) -> Finding {
        let reason = reason.as_ref();
        if !self.reason.is_empty() && !reason.is_empty() {
            self.reason.push_str("; ");
        }
        self.reason.push_str(reason);
        self
    }
}

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
    fn a_should_that_fails_only_warns() {
        assert_eq!(Outcome::Fail.at(Level::Should), Outcome::Warn);
        assert_eq!(Outcome::Crash.at(Level::May), Outcome::Info);
        assert_eq!(Outcome::Broken.at(Level::Should), Outcome::Broken);
    }

    #[test]
    fn counts_are_read_at_a_glance() {
        assert_eq!(count(1, "byte"), "1 byte");
        assert_eq!(count(5_767_168, "byte"), "5,767,168 bytes");
    }
}
