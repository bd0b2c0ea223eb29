//! `echospec check` without a command: the servers of `echospec.toml`.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use assert_cmd::Command;
use predicates::prelude::*;
use predicates::str::contains;
use serde_json::Value;
use tempfile::TempDir;

/// The first example of `docs/configuration.md`.
fn example() -> &'static str {
    let page = include_str!("../docs/configuration.md");
    page.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap()
}

/// Returns a directory with this `echospec.toml`.
fn project(text: &str) -> TempDir {
    let place = tempfile::tempdir().unwrap();
    fs::write(place.path().join("echospec.toml"), text).unwrap();
    place
}

fn check(place: &Path, arguments: &[&str]) -> Command {
    let program = Path::new(env!("CARGO_BIN_EXE_echospec"));
    let mut path = OsString::from(program.parent().unwrap());
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    let mut command = Command::new(program);
    command.arg("check").args(arguments).env("PATH", path).current_dir(place);
    command
}

const CATS: &str = "[server.first]\ntransport = 'pipe'\ncommand = 'cat'\n\
                    [server.second]\ntransport = 'pipe'\ncommand = ['cat', '-u']\n";

#[test]
fn example_of_the_documents_runs() {
    if Command::new("python3").arg("--version").ok().is_err() {
        return testing::skip("python3 is not installed");
    }
    let place = project(example());
    let arguments = ["--only", "echo/one-byte", "--only", "port/exclusive", "--json", "out.json"];
    check(place.path(), &arguments)
        .assert()
        .success()
        .stdout(contains("echo: tcp  echo-tcp '{addr}'  2 checks"))
        .stdout(contains("web: tcp --protocol http  python3"))
        .stdout(contains("http: the connection closes after a reply"))
        .stdout(contains("2 servers: 2 as expected\n"));
    let written = fs::read_to_string(place.path().join("out.json")).unwrap();
    let run: Value = serde_json::from_str(&written).unwrap();
    assert_eq!(run[0]["name"], "echo");
    assert_eq!(run[1]["name"], "web");
    assert_eq!(run[1]["rehearsal"]["keep_alive"], false);
    assert_eq!(run[0]["summary"]["pass"], 2);
}

#[test]
fn named_servers_are_checked_alone() {
    let place = project(CATS);
    let only = ["--only", "echo/one-byte", "--server", "second"];
    let alone = contains("1 server: 1 as expected\n").and(contains("first").not());
    check(place.path(), &only).assert().success().stdout(contains("second: pipe  cat -u").and(alone));
    let unknown = contains("echospec.toml describes no server 'secnd'; did you mean 'second'?");
    check(place.path(), &["--server", "secnd"]).assert().code(2).stderr(unknown);
}

#[test]
fn exit_code_is_that_of_the_worst_server() {
    let broken = "[server.broken]\ntransport = 'pipe'\ncommand = 'sh -c \"exit 0\"'\n";
    let absent = "[server.absent]\ntransport = 'pipe'\ncommand = './no-such-server'\n";
    let only = ["--only", "echo/one-byte", "--timeout-scale", "0.2"];
    let run = |text: String| check(project(&text).path(), &only).assert();
    run(format!("{absent}{broken}{CATS}"))
        .code(1)
        .stdout(contains("absent  not checked: cannot run ./no-such-server"))
        .stdout(contains("again     echospec check --server broken --only echo/one-byte --seed"))
        .stdout(contains("4 servers: 2 as expected, 1 failed, 1 not checked\n"));
    run(format!("{absent}{CATS}")).code(3);
    check(project(CATS).path(), &["--only", "port/*"])
        .assert()
        .code(4)
        .stdout(contains("no check that was selected"));
}

#[test]
fn run_without_any_server_says_what_to_do() {
    let empty = tempfile::tempdir().unwrap();
    check(empty.path(), &[]).assert().code(2).stderr(contains("describe servers in echospec.toml"));
    check(project("").path(), &[]).assert().code(2).stderr(contains("[server.NAME]"));
    let wrong = project("[server.a]\ntransport = 'pipe'\ncomand = 'cat'\n");
    check(wrong.path(), &[]).assert().code(2).stderr(contains("did you mean `command`?"));
    let lost = ["--protocol", "http"];
    check(project(CATS).path(), &lost).assert().code(2).stderr(contains("COMMAND"));
}
