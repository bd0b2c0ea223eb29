//! JSON values and patterns for them.

use serde_json::Value as Tree;

use super::{Difference, Kind, Malformed};
use crate::protocol::token::Token;

/// The character that begins each string which stands for a wildcard in a JSON pattern. No protocol file can contain
/// it.
const MARK: char = '\0';

/// The maximum number of characters of a JSON value that a report shows.
const SHOWN: usize = 120;

/// A JSON value that a server sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::protocol) struct Value(Tree);

impl Value {
    pub(in crate::protocol) const IS_SUPPORTED: bool = true;

    pub(in crate::protocol) fn parse(text: &[u8]) -> Result<Value, Malformed> {
        serde_json::from_slice(text).map(Value).map_err(|error| malformed(&error, text))
    }

    /// Returns a JSON list with a `null` for each item of the list at `pointer`.
    pub(in crate::protocol) fn nulls(&self, pointer: &str) -> String {
        let length = self.0.pointer(pointer).and_then(Tree::as_array).map_or(0, Vec::len);
        format!("[{}]", vec!["null"; length].join(","))
    }

    /// Returns the JSON text of this object with the JSON text `value` for its member `name`. `None` if it is no object.
    pub(in crate::protocol) fn with_member(&self, name: &str, value: &str) -> Option<String> {
        let mut members = self.0.as_object()?.clone();
        members.remove(name);
        let comma = if members.is_empty() { "" } else { "," };
        let others = Tree::Object(members).to_string();
        // The value may be one that this parser rejects.
        Some(format!("{}{comma}\"{name}\":{value}}}", others.strip_suffix('}')?))
    }

    /// Whether the value is a response of JSON-RPC that names no request: its id is null or missing.
    pub(in crate::protocol) fn is_answer_without_id(&self) -> bool {
        let has = |name| self.0.get(name).is_some();
        (has("result") || has("error")) && !has("method") && self.0.get("id").is_none_or(Tree::is_null)
    }
}

/// A JSON value in which wildcards stand for other values, to compare with a server's message.
///
/// Objects may have more members than the pattern. Lists have as many items as the pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::protocol) struct JsonPattern(Tree);

impl JsonPattern {
    /// Returns the text that stands for any value of `kind` in a text for [`parse`](JsonPattern::parse).
    pub(in crate::protocol) fn wildcard(kind: Kind) -> Vec<u8> {
        format!(r#""\u0000{}""#, kind.name()).into_bytes()
    }

    /// Returns the text that stands for the request's id in a text for [`parse`](JsonPattern::parse).
    pub(in crate::protocol) fn id() -> Vec<u8> {
        br#""\u0000id""#.to_vec()
    }

    pub(in crate::protocol) fn parse(text: &[u8]) -> Result<JsonPattern, Malformed> {
        Value::parse(text).map(|value| JsonPattern(value.0))
    }

    /// Whether `found` has the request's id or `token` in each place where the pattern has it.
    pub(in crate::protocol) fn belongs(&self, token: &Token, found: &Value) -> bool {
        has_keys(&self.0, token, &found.0)
    }

    /// Returns the JSON text of the value that `found` has in the place of the pattern's id.
    pub(in crate::protocol) fn id_in(&self, found: &Value) -> Option<String> {
        id_in(&self.0, &found.0)
    }

    /// Compares the JSON value `found` with the pattern, and its id with `id` if that is given.
    pub(in crate::protocol) fn compare(&self, id: Option<u32>, found: &Value) -> Result<(), Difference> {
        let mut path = Vec::new();
        compare(&self.0, id, &found.0, &mut path)
    }
}

fn malformed(error: &serde_json::Error, text: &[u8]) -> Malformed {
    let before = text.split_inclusive(|&byte| byte == b'\n').take(error.line().saturating_sub(1));
    let line: usize = before.map(<[u8]>::len).sum();
    let message = error.to_string();
    let message = message.split(" at line ").next().unwrap_or_default().to_owned();
    Malformed { offset: (line + error.column()).saturating_sub(1), message, is_cut: error.is_eof() }
}

/// Returns the name of the wildcard that `pattern` stands for, or `None` if `pattern` is an ordinary value.
fn wildcard(pattern: &Tree) -> Option<&str> {
    pattern.as_str()?.strip_prefix(MARK)
}

fn has_keys(pattern: &Tree, token: &Token, found: &Tree) -> bool {
    match (pattern, found) {
        (Tree::Object(members), _) => members
            .iter()
            .all(|(name, pattern)| has_keys(pattern, token, found.get(name).unwrap_or(&Tree::Null))),
        (Tree::Array(items), _) => items
            .iter()
            .enumerate()
            .all(|(index, item)| has_keys(item, token, found.get(index).unwrap_or(&Tree::Null))),
        (Tree::String(text), _) if text.strip_prefix(MARK) == Some("id") => is_number(found, token.id()),
        (Tree::String(text), _) if text.contains(token.as_str()) => found.as_str() == Some(text),
        _ => true,
    }
}

fn id_in(pattern: &Tree, found: &Tree) -> Option<String> {
    match pattern {
        Tree::Object(members) => members.iter().find_map(|(name, pattern)| id_in(pattern, found.get(name)?)),
        Tree::Array(items) => {
            items.iter().enumerate().find_map(|(index, item)| id_in(item, found.get(index)?))
        }
        _ if wildcard(pattern) == Some("id") => Some(found.to_string()),
        _ => None,
    }
}

fn is_number(found: &Tree, wanted: u32) -> bool {
    found.as_f64() == Some(f64::from(wanted))
}

fn compare(pattern: &Tree, id: Option<u32>, found: &Tree, path: &mut Vec<String>) -> Result<(), Difference> {
    let differs = |path: &[String], expected: String| {
        Err(Difference { pointer: path.concat(), expected, found: shown(found) })
    };
    match (pattern, found) {
        (Tree::Object(members), Tree::Object(_)) => members.iter().try_for_each(|(name, pattern)| {
            path.push(format!("/{}", name.replace('~', "~0").replace('/', "~1")));
            let result = match found.get(name) {
                Some(value) => compare(pattern, id, value, path),
                None => Err(Difference {
                    pointer: path.concat(),
                    expected: describe(pattern, id),
                    found: "nothing".into(),
                }),
            };
            path.pop();
            result
        }),
        (Tree::Array(items), Tree::Array(values)) if items.len() == values.len() => {
            items.iter().zip(values).enumerate().try_for_each(|(index, (item, value))| {
                path.push(format!("/{index}"));
                let result = compare(item, id, value, path);
                path.pop();
                result
            })
        }
        (Tree::Number(wanted), Tree::Number(number)) if wanted.as_f64() == number.as_f64() => Ok(()),
        (Tree::String(_), _) if wildcard(pattern).is_some() => {
            let kind = wildcard(pattern).unwrap_or_default();
            let matches = match kind {
                "any" => true,
                "string" => found.is_string(),
                "number" => found.is_number(),
                "array" => found.is_array(),
                "object" => found.is_object(),
                _ => match id {
                    Some(id) => is_number(found, id),
                    None => found.is_number() || found.is_string(),
                },
            };
            if matches { Ok(()) } else { differs(path, describe(pattern, id)) }
        }
        (pattern, found) if pattern == found => Ok(()),
        _ => differs(path, describe(pattern, id)),
    }
}

fn describe(pattern: &Tree, id: Option<u32>) -> String {
    match wildcard(pattern) {
        Some("any") => "a value".into(),
        Some(kind @ ("array" | "object")) => format!("an {kind}"),
        Some("id") => id.map_or("an id".into(), |id| format!("the id {id}")),
        Some(kind) => format!("a {kind}"),
        None => match pattern {
            Tree::Object(_) => "an object".into(),
            Tree::Array(items) => format!("an array of {}", items.len()),
            _ => format!("`{}`", shown(pattern)),
        },
    }
}

fn shown(value: &Tree) -> String {
    let text = value.to_string();
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
