//! Each mistake that a file can have, and the error that tells it.

use crate::protocol::{FileError, Protocol, TransportKind};

/// The test data: sections of a title, a protocol file, a line `---`, and the expected error.
const MISTAKES: &str = include_str!("mistakes.txt");

#[test]
fn every_mistake_has_its_error() {
    let sections: Vec<&str> = MISTAKES.split("### ").skip(1).collect();
    assert!(sections.len() >= 15);
    let mut now = String::new();
    for section in &sections {
        let (title, rest) = section.split_once('\n').unwrap();
        let (text, _) = rest.split_once("---\n").unwrap();
        let error = match Protocol::from_toml(text, "my.toml") {
            Ok(_) => "no error".into(),
            Err(error) => error.to_string(),
        };
        now.push_str(&format!("### {title}\n{text}---\n{error}\n\n"));
    }
    let same = now.trim_end() == MISTAKES.trim_end();
    assert!(same, "the errors are now:\n{now}");
}

fn shown(result: Result<Protocol, FileError>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn a_mistake_on_the_command_line_names_its_option() {
    let expected = "\
unknown placeholder `{tokn}`
 --> --send:1:7
  |
1 | PING {tokn}\\r\\n
  |       ^^^^ expected a placeholder
  = help: did you mean `token`?";
    assert_eq!(shown(Protocol::inline(r"PING {tokn}\r\n", "{line}")), expected);
}

#[test]
fn a_reply_of_open_length_is_right_over_messages_only() {
    let over = |kind| Protocol::inline_over("{token}", "got {token}{any}", &[kind]);
    assert!(over(TransportKind::Message).is_ok());
    assert!(over(TransportKind::Stream).is_err());
}

#[test]
fn an_unknown_setting_gets_the_nearest_name() {
    let settings = [("pth".to_string(), "/x".to_string())];
    let expected = "\
the protocol has no setting `pth`
 --> --set:1:1
  |
1 | pth
  | ^^^ expected `host`, `long_path`, `path` or `reply`
  = help: did you mean `path`?";
    assert_eq!(shown(Protocol::built_in_with_settings("http", &settings)), expected);
}

#[test]
fn a_mistake_in_a_setting_is_shown_in_its_text() {
    let settings = [("path".to_string(), "/{tok}".to_string())];
    let error = Protocol::built_in_with_settings("http", &settings).unwrap_err();
    assert_eq!((error.place.file.as_str(), error.place.column), ("--set", 3));
}

#[test]
fn a_file_names_a_protocol_without_a_name() {
    let protocol = Protocol::from_toml("send = 'a'\nexpect = 'b'", "tools/mine.toml").unwrap();
    assert_eq!(protocol.name(), "mine");
}

#[test]
fn quotes_of_both_kinds_mean_the_same() {
    let single = r"send = '\x01\xffé\r\n'
expect = 'a'";
    let double = r#"send = "\x01\xffé\r\n"
expect = "a""#;
    let sent = |text| {
        let protocol = Protocol::from_toml(text, "my.toml").unwrap();
        protocol.turns()[0].new_request(crate::protocol::Token::new(1), None).bytes().to_vec()
    };
    assert_eq!(sent(single), b"\x01\xff\xc3\xa9\r\n");
    assert_eq!(sent(double), sent(single));
    let lines = "send = '''\na\nb'''\nexpect = 'a'";
    assert_eq!(sent(lines), b"a\nb");
    let joined = "send = \"\"\"\\\n  a\\\n  b\"\"\"\nexpect = 'a'";
    assert_eq!(sent(joined), b"ab");
}

#[test]
fn an_empty_setting_leaves_out_its_turns() {
    let http = Protocol::built_in("http").unwrap();
    assert!(!http.has_long_reply());
    let settings = [("long_path".to_string(), "/big".to_string())];
    let http = Protocol::built_in_with_settings("http", &settings).unwrap();
    assert!(http.has_long_reply());
}
