//! The place where a reply goes wrong, and how it is shown.

use std::fmt;

/// The place where a reply differs from the expected one: the first byte that can no longer match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// The offset of the wrong byte in the reply. If the connection ended too early, it is the length of the reply so
    /// far.
    pub offset: u64,
    /// The bytes that were expected at the place of the mismatch, in words.
    pub expected: String,
    /// The bytes that were expected at the place of the mismatch, if no other bytes match there. At most a few dozen.
    pub expected_bytes: Vec<u8>,
    /// The last bytes of the reply before the wrong byte.
    pub before: Vec<u8>,
    /// The first bytes received instead of the expected ones. Empty if the connection or the message ended.
    pub found: Vec<u8>,
    /// The JSON pointer (RFC 6901) of the value that is wrong, in a reply that is JSON. `found` is then all of the
    /// reply.
    pub pointer: Option<Box<str>>,
}

impl Mismatch {
    /// Whether the connection or the message ended where more was expected.
    #[must_use]
    pub fn is_end(&self) -> bool {
        self.found.is_empty()
    }

    /// Says in one line where the reply is wrong, what was expected, and what was found.
    #[must_use]
    pub fn summary(&self) -> String {
        if let Some(pointer) = &self.pointer {
            let place = if pointer.is_empty() { "the reply" } else { &**pointer };
            return format!("at {place}: expected {}", self.expected);
        }
        let found = match self.found.first() {
            Some(byte) => format!("found `{}` (0x{byte:02x})", byte.escape_ascii()),
            None => "the reply ended".into(),
        };
        format!("at byte {} of the reply: expected {}, {found}", self.offset, self.expected)
    }

    /// Shows the bytes around the mismatch, as text and in hexadecimal, with carets under the wrong byte.
    ///
    /// Control bytes are escaped. Each line begins with its name and ends without spaces.
    #[must_use]
    pub fn render(&self) -> String {
        if self.pointer.is_some() {
            return format!("received  {}", escaped(&self.found));
        }
        if self.before.is_empty() && self.found.is_empty() {
            return "received  nothing".into();
        }
        let mut lines = Vec::new();
        let hidden = self.offset > self.before.len() as u64;
        let lead = if hidden { "…" } else { "" };
        let end = if self.found.is_empty() { " (end)" } else { "" };
        let before = escaped(&self.before);
        if !self.expected_bytes.is_empty() {
            lines.push(format!("expected  {lead}{before}{}", escaped(&self.expected_bytes)));
        }
        lines.push(format!("received  {lead}{before}{}{end}", escaped(&self.found)));
        let wrong = self.found.first().map_or(1, |byte| escaped(&[*byte]).chars().count());
        let indent = lead.chars().count() + before.chars().count();
        lines.push(format!("          {}{}", " ".repeat(indent), "^".repeat(wrong)));
        let hex: Vec<String> =
            self.before.iter().chain(&self.found).map(|byte| format!("{byte:02x}")).collect();
        lines.push(format!("hex       {lead}{}", hex.join(" ")));
        let indent = lead.chars().count() + 3 * self.before.len();
        lines.push(format!("          {}^^", " ".repeat(indent)));
        lines.join("\n")
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.summary())
    }
}

impl std::error::Error for Mismatch {}

/// Formats bytes as text: printable ASCII unchanged, every other byte as an escape.
fn escaped(bytes: &[u8]) -> String {
    let mut shown = String::new();
    for &byte in bytes {
        match byte {
            b'\r' => shown.push_str(r"\r"),
            b'\n' => shown.push_str(r"\n"),
            b'\t' => shown.push_str(r"\t"),
            b'\\' => shown.push_str(r"\\"),
            0 => shown.push_str(r"\0"),
            b' '..=b'~' => shown.push(byte as char),
            _ => shown.push_str(&format!(r"\x{byte:02x}")),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn carets_stand_under_the_wrong_byte() {
        let mismatch = Mismatch {
            offset: 6,
            expected: r"`c\r\n`".into(),
            expected_bytes: b"c\r\n".to_vec(),
            before: b"\r\nPONG"[..].to_vec(),
            found: b"\x1b!\r\n".to_vec(),
            pointer: None,
        };
        let expected = "\
expected  \\r\\nPONGc\\r\\n
received  \\r\\nPONG\\x1b!\\r\\n
                  ^^^^
hex       0d 0a 50 4f 4e 47 1b 21 0d 0a
                            ^^";
        assert_eq!(mismatch.render(), expected);
        assert_eq!(mismatch.summary(), r"at byte 6 of the reply: expected `c\r\n`, found `\x1b` (0x1b)");
    }

    #[test]
    fn an_early_end_is_shown_after_the_last_byte() {
        let mismatch = Mismatch {
            offset: 100,
            expected: "a digit".into(),
            expected_bytes: Vec::new(),
            before: b"12".to_vec(),
            found: Vec::new(),
            pointer: None,
        };
        let expected = "\
received  …12 (end)
             ^
hex       …31 32
                 ^^";
        assert_eq!(mismatch.render(), expected);
    }
}
