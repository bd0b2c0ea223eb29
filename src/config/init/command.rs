//! The command of a server with placeholders in place of the address that it was given.

use std::ffi::OsString;

use crate::transport::Address;

/// The placeholders by which a command can name its address.
const PLACEHOLDERS: [&str; 4] = ["{addr}", "{host}", "{port}", "{path}"];

/// Returns `command` with placeholders for `address`, or `None` if the command does not contain the address. A command
/// that has placeholders already is returned unchanged.
pub(super) fn with_placeholders(command: &[OsString], address: &Address) -> Option<Vec<OsString>> {
    let words: Vec<String> = command.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    if words.iter().any(|word| PLACEHOLDERS.iter().any(|placeholder| word.contains(placeholder))) {
        return Some(command.to_vec());
    }
    // The program itself contains no address.
    let (program, arguments) = words.split_first()?;
    let replaced: Vec<String> = arguments.iter().map(|word| replace_in(word, address)).collect();
    if replaced == arguments {
        return None;
    }
    Some([program.clone()].into_iter().chain(replaced).map(OsString::from).collect())
}

fn replace_in(word: &str, address: &Address) -> String {
    match address {
        Address::Inet(inet) => {
            let (whole, port) = (inet.to_string(), inet.port().to_string());
            if word.contains(&whole) {
                return word.replace(&whole, "{addr}");
            }
            // The port must be a whole number: 8000 is not in 18000.
            let before = word.strip_suffix(&port);
            let before = before.filter(|before| !before.ends_with(|letter: char| letter.is_ascii_digit()));
            before.map_or_else(|| word.to_owned(), |before| format!("{before}{{port}}"))
        }
        Address::Path(path) => word.replace(&*path.to_string_lossy(), "{path}"),
        Address::Stdio => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replaced(line: &str, address: &str) -> Option<String> {
        let address = match address.parse() {
            Ok(inet) => Address::Inet(inet),
            Err(_) => Address::Path(address.into()),
        };
        let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        let words = with_placeholders(&words, &address)?;
        Some(words.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn the_address_in_a_command_is_replaced() {
        for (line, address, expected) in [
            ("serve 127.0.0.1:80", "127.0.0.1:80", "serve {addr}"),
            ("serve --on=:8000", "127.0.0.1:8000", "serve --on=:{port}"),
            ("python3 -m http.server 8000", "127.0.0.1:8000", "python3 -m http.server {port}"),
            ("serve --socket=/run/s", "/run/s", "serve --socket={path}"),
            ("serve {port}", "127.0.0.1:8000", "serve {port}"),
        ] {
            assert_eq!(replaced(line, address).as_deref(), Some(expected));
        }
    }

    #[test]
    fn a_command_without_its_address_has_no_place_for_it() {
        for line in ["serve", "serve --workers 18000", "8000 --x"] {
            assert_eq!(replaced(line, "127.0.0.1:8000"), None);
        }
    }
}
