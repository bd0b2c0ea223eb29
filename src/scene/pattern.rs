//! Matches bytes that a client receives with a text in which names stand for any bytes.

use std::collections::BTreeMap;

use super::text::{ANY, Part, Text};
use crate::text::excerpt;

/// The result of matching the bytes that have arrived so far.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Match {
    /// The pattern matches the first bytes: their number, and the bytes for which its names stand.
    Whole(usize, BTreeMap<String, Vec<u8>>),
    /// More bytes are needed.
    Partial,
    /// The bytes differ from the pattern, as the text says.
    Differs(String),
}

/// Matches the beginning of `bytes` with `pattern`. A name stands for one byte or more, up to the bytes that follow it
/// in the pattern. A name that is `known` stands for its bytes. The bytes for which `{any}` stands are not kept.
pub(super) fn match_pattern(pattern: &Text, known: &BTreeMap<String, Vec<u8>>, bytes: &[u8]) -> Match {
    let (mut at, mut captured) = (0, BTreeMap::new());
    let mut open: Option<&str> = None;
    for part in &pattern.0 {
        let literal = match part {
            Part::Bytes(bytes) => bytes.as_slice(),
            Part::Name(name, _) => match known.get(name).or_else(|| captured.get(name)) {
                Some(bytes) if name != ANY => &bytes.clone(),
                _ => {
                    open = Some(name);
                    continue;
                }
            },
        };
        let rest = &bytes[at..];
        let Some(name) = open.take() else {
            let same = literal.iter().zip(rest).take_while(|(wanted, got)| wanted == got).count();
            if same == literal.len() {
                at += same;
                continue;
            }
            if same == rest.len() {
                return Match::Partial;
            }
            let (wanted, got) = (excerpt(&literal[same..]), excerpt(&rest[same..]));
            return Match::Differs(format!("at byte {}: {got} instead of {wanted}", at + same));
        };
        let found = (1..rest.len()).find(|&start| rest[start..].starts_with(literal));
        let Some(length) = found else { return Match::Partial };
        if name != ANY {
            captured.insert(name.to_owned(), rest[..length].to_vec());
        }
        at += length + literal.len();
    }
    Match::Whole(at, captured)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(parts: &[(&str, bool)]) -> Text {
        let part = |&(text, is_name): &(&str, bool)| {
            if is_name { Part::Name(text.into(), 0..0) } else { Part::Bytes(text.into()) }
        };
        Text(parts.iter().map(part).collect())
    }

    #[test]
    fn captures_up_to_the_bytes_that_follow() {
        let pattern = text(&[("id=", false), ("id", true), ("\r\n", false)]);
        let known = BTreeMap::new();
        assert_eq!(match_pattern(&pattern, &known, b"id=7\r"), Match::Partial);
        let captured = BTreeMap::from([("id".to_owned(), b"42".to_vec())]);
        assert_eq!(match_pattern(&pattern, &known, b"id=42\r\nmore"), Match::Whole(7, captured));
        assert!(matches!(match_pattern(&pattern, &known, b"ix"), Match::Differs(_)));
    }

    #[test]
    fn any_stands_for_other_bytes_each_time() {
        let pattern = text(&[("any", true), (";", false), ("any", true), ("\n", false)]);
        let known = BTreeMap::new();
        assert_eq!(match_pattern(&pattern, &known, b"one;two\n"), Match::Whole(8, known.clone()));
    }

    #[test]
    fn a_known_name_stands_for_its_bytes() {
        let pattern = text(&[("bye ", false), ("id", true)]);
        let known = BTreeMap::from([("id".to_owned(), b"42".to_vec())]);
        assert_eq!(match_pattern(&pattern, &known, b"bye 42"), Match::Whole(6, BTreeMap::new()));
        assert!(matches!(match_pattern(&pattern, &known, b"bye 43"), Match::Differs(_)));
    }
}
