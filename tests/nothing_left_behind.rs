//! However a run ends, no process and no file of it remains.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use echospec::os;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rstest::rstest;
use tempfile::TempDir;

/// A run whose temporary files go to `place`.
fn run(place: &TempDir, arguments: &[&str]) -> Child {
    // Orphans that the run might leave would become children of this process.
    os::adopt_orphans();
    Command::new(env!("CARGO_BIN_EXE_echospec"))
        .args(arguments)
        .env("TMPDIR", place.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn assert_nothing_left(place: &TempDir) {
    let files: Vec<_> = fs::read_dir(place.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.is_empty(), "left behind: {files:?}");
    let orphans: Vec<_> = os::children(Pid::this()).unwrap_or_default();
    let servers: Vec<_> = orphans.iter().filter(|process| process.name.starts_with("echo-")).collect();
    assert!(servers.is_empty(), "left behind: {servers:?}");
}

#[test]
fn after_a_run_and_after_a_failed_one() {
    let place = TempDir::new().unwrap();
    let fork = ["check", "tcp", "--only", "fd/*", "--skip", "fd/no-leak*", "--", "echo-tcp-fork", "{addr}"];
    assert!(run(&place, &fork).wait().unwrap().success());
    let failing = ["check", "pipe", "--only", "echo/one-byte", "--timeout-scale", "0.1", "--", "sed", ""];
    assert_eq!(run(&place, &failing).wait().unwrap().code(), Some(1));
    assert_nothing_left(&place);
}

#[rstest]
#[case(Signal::SIGINT, 130)]
#[case(Signal::SIGTERM, 143)]
fn after_an_interrupt(#[case] signal: Signal, #[case] code: i32) {
    let place = TempDir::new().unwrap();
    let mut child = run(&place, &["check", "unix", "--jobs", "2", "--", "echo-unix", "{path}"]);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    // The first result shows that servers are running.
    lines.find(|line| line.as_ref().unwrap().contains("pass")).unwrap().unwrap();
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), signal).unwrap();
    let rest: Vec<String> = lines.map(Result::unwrap).collect();
    assert_eq!(child.wait().unwrap().code(), Some(code), "{rest:#?}");
    assert!(rest.iter().any(|line| line.contains("interrupted")), "{rest:#?}");
    assert_nothing_left(&place);
}
