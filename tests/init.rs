//! `echospec init`: a file that `echospec check` can use at once.

use std::ffi::OsString;
use std::fs;
use std::net::TcpListener;
use std::path::Path;

use assert_cmd::Command;
use predicates::prelude::*;
use predicates::str::contains;
use rstest::rstest;
use tempfile::TempDir;

fn echospec(place: &Path, arguments: &[&str]) -> Command {
    let program = Path::new(env!("CARGO_BIN_EXE_echospec"));
    let mut path = OsString::from(program.parent().unwrap());
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    let mut command = Command::new(program);
    command.args(arguments).env("PATH", path).current_dir(place);
    command
}

/// Runs `echospec init` on `command` in a new directory. Returns the directory and the text of the file.
fn init(command: &[&str]) -> (TempDir, String) {
    let place = TempDir::new_in("/tmp").unwrap();
    let arguments: Vec<_> = ["init", "--"].iter().chain(command).copied().collect();
    echospec(place.path(), &arguments).assert().success().stdout(contains("wrote echospec.toml"));
    let text = fs::read_to_string(place.path().join("echospec.toml")).unwrap();
    (place, text)
}

/// Runs a check on the server that the file in `place` describes.
fn check(place: &Path, id: &str) {
    echospec(place, &["check", "--only", id]).assert().success().stdout(contains("1 server: 1 as expected"));
}

#[rstest]
#[case::tcp(&["echo-tcp", "{addr}"], "tcp", "echo/one-byte")]
#[case::tcp_by_fork(&["echo-tcp-fork", "{addr}"], "tcp", "echo/one-byte")]
#[case::udp(&["echo-udp", "{addr}"], "udp", "echo/message-boundaries")]
#[case::unix(&["echo-unix", "{path}"], "unix", "echo/one-byte")]
#[case::unix_dgram(&["echo-unix-dgram", "{path}"], "unix-dgram", "echo/message-boundaries")]
#[case::unix_seqpacket(&["echo-unix-seqpacket", "{path}"], "unix-seqpacket", "echo/message-boundaries")]
#[case::pipe(&["cat"], "pipe", "echo/one-byte")]
fn an_echo_server_is_found(#[case] command: &[&str], #[case] transport: &str, #[case] id: &str) {
    let (place, text) = init(command);
    assert!(text.contains(&format!("[server.{}]\n", command[0])), "{text}");
    assert!(text.contains(&format!("transport = \"{transport}\"\n")), "{text}");
    assert!(text.contains("protocol = \"echo\"\n"), "{text}");
    check(place.path(), id);
}

/// Returns a free port. It is below the ports that systems give to clients, so no client takes it before the server
/// does.
fn free_port() -> u16 {
    let first = 10_000 + u16::try_from(std::process::id() % 5000).unwrap();
    (first..20_000).find(|&port| TcpListener::bind(("127.0.0.1", port)).is_ok()).unwrap()
}

#[test]
fn the_port_of_a_web_server_becomes_a_placeholder() {
    if Command::new("python3").arg("--version").ok().is_err() {
        return testing::skip("python3 is not installed");
    }
    let port = free_port().to_string();
    let (place, text) = init(&["python3", "-m", "http.server", "--bind", "127.0.0.1", &port]);
    assert!(text.contains("[server.http-server]\n"), "{text}");
    assert!(text.contains(r#"command = ["python3", "-m", "http.server", "--bind", "127.0.0.1", "{port}"]"#));
    assert!(text.contains("# Found by speaking it: the connection closes after a reply"), "{text}");
    assert!(text.contains("protocol = \"http\"\n"), "{text}");
    check(place.path(), "reply/byte-by-byte");
}

#[test]
fn a_file_is_not_overwritten_unless_asked() {
    let (place, _) = init(&["cat"]);
    let again = ["init", "--name", "other", "--", "cat"];
    echospec(place.path(), &again).assert().code(2).stderr(contains("add --force to overwrite it"));
    echospec(place.path(), &["init", "--force", "--name", "other", "--", "cat"]).assert().success();
    let text = fs::read_to_string(place.path().join("echospec.toml")).unwrap();
    assert!(text.contains("[server.other]"), "{text}");
    let printed = echospec(place.path(), &["init", "--print", "--", "cat"]).assert().success();
    printed.stdout(contains("[server.cat]"));
}

#[test]
fn a_command_that_exits_writes_nothing() {
    let place = TempDir::new_in("/tmp").unwrap();
    echospec(place.path(), &["init", "--", "sh", "-c", "echo no such option >&2; exit 3"])
        .assert()
        .code(3)
        .stderr(contains("exit status 3").and(contains("no such option")));
    echospec(place.path(), &["init", "--", "no-such-program"])
        .assert()
        .code(3)
        .stderr(contains("no such program"));
    assert!(!place.path().join("echospec.toml").exists());
}

#[test]
fn a_server_of_no_known_protocol_gets_an_example() {
    let place = TempDir::new_in("/tmp").unwrap();
    let arguments = ["init", "--", "sh", "-c", "while read line; do :; done"];
    echospec(place.path(), &arguments).assert().success().stderr(contains("no built-in protocol fits"));
    let text = fs::read_to_string(place.path().join("echospec.toml")).unwrap();
    assert!(text.contains("# protocol = { send = "), "{text}");
    echospec(place.path(), &["check", "--only", "life/ends-on-sigterm"]).assert().success();
}
