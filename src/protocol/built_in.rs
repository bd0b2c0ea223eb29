//! The protocols that come with the program.

use super::definition::Protocol;
use super::error::{FileError, SourceText, join_with_or};

/// A protocol file that comes with the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BuiltInProtocol {
    /// The name of the protocol and, with `.toml`, of its file.
    pub name: &'static str,
    /// The text of the protocol file, in the format that users write.
    pub text: &'static str,
}

macro_rules! built_ins {
    ($($name:literal),* $(,)?) => {
        &[$(BuiltInProtocol { name: $name, text: include_str!(concat!("../../protocols/", $name, ".toml")) }),*]
    };
}

/// All built-in protocols, in the order in which lists show them.
const BUILT_INS: &[BuiltInProtocol] = built_ins![
    "echo",
    "line",
    "discard",
    "daytime",
    "http",
    "redis",
    "memcached",
    "smtp",
    "dns",
    "ntp",
    "mqtt",
    "postgres",
    "postgres-ssl",
    "beanstalkd",
    "co-process",
    "jsonl",
    "mcp",
    "lsp",
];

impl Protocol {
    /// Returns the protocols that come with the program.
    #[must_use]
    pub fn built_ins() -> &'static [BuiltInProtocol] {
        BUILT_INS
    }

    /// Returns the built-in protocol called `name`.
    ///
    /// # Errors
    /// No built-in protocol has the name; the error offers the nearest one.
    pub fn built_in(name: &str) -> Result<Protocol, FileError> {
        Protocol::built_in_with_settings(name, &[])
    }

    /// Returns the built-in protocol called `name`, with other values for its settings.
    ///
    /// # Errors
    /// No built-in protocol has the name, or a setting is wrong.
    pub fn built_in_with_settings(name: &str, settings: &[(String, String)]) -> Result<Protocol, FileError> {
        let Some(found) = BUILT_INS.iter().find(|built_in| built_in.name == name) else {
            let names = || BUILT_INS.iter().map(|built_in| built_in.name);
            let source = SourceText { file: "--protocol", text: name };
            let error = source.error(0..name.len(), format!("no built-in protocol is called `{name}`"));
            return Err(error
                .expecting(format!("expected {}, or a file", join_with_or(names())))
                .suggest(name, names()));
        };
        let file = format!("protocols/{name}.toml");
        Protocol::from_toml_with(found.text, &file, settings).map(Protocol::without_places)
    }

    /// Returns the echo protocol, whose replies equal their requests.
    ///
    /// # Panics
    /// Never: a test reads the file.
    #[must_use]
    pub fn echo() -> Protocol {
        Protocol::built_in("echo").expect("the file is tested")
    }
}

/// Returns the built-in protocol that a server's first words suggest.
pub(crate) fn protocol_of_words(words: &[u8]) -> Option<&'static str> {
    const SIGNS: &[(&[u8], &str)] = &[
        (b"HTTP/1.", "http"),
        (b"<!DOCTYPE", "http"),
        (b"<html", "http"),
        (b"-ERR", "redis"),
        (b"-DENIED", "redis"),
        (b"UNKNOWN_COMMAND", "beanstalkd"),
        (b"220 ", "smtp"),
        (b"220-", "smtp"),
        (b"ERROR\r\n", "memcached"),
    ];
    let holds = |sign: &[u8]| words.windows(sign.len()).any(|window| window == sign);
    SIGNS.iter().find(|(sign, _)| holds(sign)).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    #[test]
    fn the_list_names_every_file_of_the_folder() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("protocols");
        let files: BTreeSet<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        let listed: BTreeSet<String> =
            BUILT_INS.iter().map(|built_in| format!("{}.toml", built_in.name)).collect();
        assert_eq!(files, listed);
    }

    #[test]
    fn every_file_is_right_and_says_what_it_is() {
        for built_in in BUILT_INS {
            let protocol = Protocol::built_in(built_in.name).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(protocol.name(), built_in.name);
            assert!(!protocol.description().is_empty(), "{}: no `about`", built_in.name);
        }
    }

    #[test]
    fn only_echo_is_the_identity() {
        for built_in in BUILT_INS {
            let protocol = Protocol::built_in(built_in.name).unwrap();
            assert_eq!(protocol.replies_equal_requests(), built_in.name == "echo", "{}", built_in.name);
        }
    }

    #[test]
    fn an_unknown_name_gets_the_nearest_one() {
        let error = Protocol::built_in("rediss").unwrap_err();
        assert_eq!(error.help.as_deref(), Some("did you mean `redis`?"));
    }
}
