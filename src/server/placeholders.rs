//! Placeholders for the server's address and directory, in its command, environment and configuration files.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use crate::transport::Address;

/// The names of the placeholders that stand for an address, or for a part of one.
pub(super) const ADDRESS_PLACEHOLDERS: [&str; 4] = ["{addr}", "{host}", "{port}", "{path}"];

/// The values of all placeholders in a server's command for one launch.
pub(super) struct PlaceholderValues(Vec<(&'static str, OsString)>);

impl PlaceholderValues {
    /// Returns the values of the placeholders for a server at `address` whose directory is `directory`.
    pub fn new(address: &Address, directory: &Path) -> PlaceholderValues {
        let mut values = vec![("{dir}", directory.into())];
        match address {
            Address::Inet(inet) => values.extend([
                ("{addr}", inet.to_string().into()),
                ("{host}", inet.ip().to_string().into()),
                ("{port}", inet.port().to_string().into()),
            ]),
            Address::Path(path) => values.extend([("{addr}", path.into()), ("{path}", path.into())]),
            Address::Stdio => {}
        }
        PlaceholderValues(values)
    }

    /// Returns `text` with every placeholder replaced by its value. Other braces are left alone.
    pub fn fill(&self, text: &OsStr) -> OsString {
        // Every placeholder begins with a brace. A long file may have none.
        if !text.as_bytes().contains(&b'{') {
            return text.to_owned();
        }
        let filled = self.0.iter().fold(text.as_bytes().to_vec(), |bytes, (name, value)| {
            replace(&bytes, name.as_bytes(), value.as_bytes())
        });
        OsString::from_vec(filled)
    }
}

/// Whether `text` contains `placeholder`.
pub(super) fn contains_placeholder(text: &OsStr, placeholder: &str) -> bool {
    find(text.as_bytes(), placeholder.as_bytes()).is_some()
}

/// Returns `text` with `value` in the place of every `placeholder`.
pub(super) fn replace_placeholder(text: &OsStr, placeholder: &str, value: &OsStr) -> OsString {
    OsString::from_vec(replace(text.as_bytes(), placeholder.as_bytes(), value.as_bytes()))
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

fn replace(text: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = find(rest, from) {
        out.extend_from_slice(&rest[..start]);
        out.extend_from_slice(to);
        rest = &rest[start + from.len()..];
    }
    out.extend_from_slice(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_every_placeholder_and_no_other_braces() {
        let values = PlaceholderValues::new(&Address::Inet("127.0.0.1:7".parse().unwrap()), Path::new("/d"));
        assert_eq!(values.fill(OsStr::new("TCP:{host}:{port},x={port}")), "TCP:127.0.0.1:7,x=7");
        assert_eq!(values.fill(OsStr::new("{ print $1 } {path} {dir}")), "{ print $1 } {path} /d");
    }
}
