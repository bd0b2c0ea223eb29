//! Bytes that a step of a [`SceneBuilder`](super::SceneBuilder) sends or receives.

use crate::scene::literal::{length, literal};

/// Bytes that a step sends or receives.
///
/// Bytes, such as `b"…"`, stand for themselves. A `&str` is a text of the language: in it, `{name}` stands for the
/// bytes that a pattern has kept, `\{` for a brace, and `\\` for a backslash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content(pub(super) String);

impl Content {
    /// Returns a number of bytes that differ from those of every other step.
    #[must_use]
    pub fn of_length(bytes: usize) -> Content {
        Content(length(bytes))
    }
}

impl From<&str> for Content {
    fn from(text: &str) -> Content {
        Content(quote(text))
    }
}

impl From<String> for Content {
    fn from(text: String) -> Content {
        Content(quote(&text))
    }
}

impl From<Vec<u8>> for Content {
    fn from(bytes: Vec<u8>) -> Content {
        Content(literal(&bytes))
    }
}

impl From<&[u8]> for Content {
    fn from(bytes: &[u8]) -> Content {
        Content(literal(bytes))
    }
}

impl<const LENGTH: usize> From<&[u8; LENGTH]> for Content {
    fn from(bytes: &[u8; LENGTH]) -> Content {
        Content(literal(bytes))
    }
}

/// Returns a text of the language in quotes. Names in braces and escapes stay as they are.
pub(super) fn quote(text: &str) -> String {
    let escape = |letter: char| match letter {
        '"' => r#"\""#.to_owned(),
        '\r' => r"\r".to_owned(),
        '\n' => r"\n".to_owned(),
        '\t' => r"\t".to_owned(),
        other if other.is_ascii_control() => format!(r"\x{:02x}", u32::from(other)),
        other => other.to_string(),
    };
    format!("\"{}\"", text.chars().map(escape).collect::<String>())
}
