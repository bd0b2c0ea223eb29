//! The examples of `docs/protocols.md` are right.

use crate::protocol::template::reserved_names;
use crate::protocol::{Protocol, ReplyProgress, Token};

const PAGE: &str = include_str!("../../../docs/protocols.md");

fn blocks(language: &str) -> Vec<&'static str> {
    let opening = format!("```{language}\n");
    PAGE.split(opening.as_str()).skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

#[test]
fn every_example_is_a_right_file() {
    let examples = blocks("toml");
    assert!(examples.len() >= 10);
    for example in examples {
        if let Err(error) = Protocol::from_toml(example, "docs/protocols.md") {
            panic!("{example}\n{error}");
        }
    }
}

#[test]
fn the_first_example_matches_its_server() {
    let protocol = Protocol::from_toml(blocks("toml")[0], "received.toml").unwrap();
    let request = protocol.turns()[0].new_request(Token::new(3), None);
    let reply = [b"received msg: ", request.bytes()].concat();
    let progress = request.expected().matcher().push(&reply);
    assert!(matches!(progress, ReplyProgress::Complete { consumed, .. } if consumed == reply.len()));
}

#[test]
fn the_error_is_the_one_that_is_printed() {
    let shown = blocks("text")[0];
    let error = Protocol::from_toml("send = 'a'\nexpect = 'b {token}\\n'", "my.toml").unwrap_err();
    assert_eq!(shown.trim_end(), error.to_string());
}

#[test]
fn every_placeholder_and_key_is_explained() {
    for name in reserved_names() {
        assert!(PAGE.contains(&format!("{{{name}")), "{name}");
    }
    for key in
        [&crate::protocol::parse::keys::FILE_KEYS[..], &crate::protocol::parse::keys::TURN_KEYS[..]].concat()
    {
        assert!(PAGE.contains(key), "{key}");
    }
}
