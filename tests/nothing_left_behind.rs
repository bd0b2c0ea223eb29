//! A run leaves neither processes nor files behind, however it ends.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use echospec::sys::{self, Process};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rstest::rstest;
use tempfile::TempDir;
use testing as _;

/// Starts a run with `place` as its TMPDIR.
fn run(place: &TempDir, arguments: &[&str]) -> Child {
    // Orphans of the run become children of this process.
    sys::set_subreaper(true);
    Command::new(env!("CARGO_BIN_EXE_echospec"))
        .args(arguments)
        .env("TMPDIR", place.path())
        .env("PATH", path_with_bundled())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn assert_nothing_left(place: &TempDir) {
    assert_eq!(servers_left(), []);
    let files: Vec<_> = fs::read_dir(place.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.is_empty(), "left behind: {files:?}");
}

fn path_with_bundled() -> std::ffi::OsString {
    let bundled = std::path::Path::new(env!("CARGO_BIN_EXE_echo-unix")).parent().unwrap().to_owned();
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::join_paths([bundled].into_iter().chain(std::env::split_paths(&path))).unwrap()
}

/// Returns the bundled servers among the children of this process.
fn servers_left() -> Vec<Process> {
    let mut orphans = sys::children(Pid::this()).unwrap_or_default();
    orphans.retain(|process| process.name.starts_with("echo-"));
    orphans
}

/// Waits until the run has printed a result, so that servers are running. Returns the remaining lines.
fn wait_for_result(run: &mut Child) -> impl Iterator<Item = String> + use<> {
    let mut lines = BufReader::new(run.stdout.take().unwrap()).lines().map(Result::unwrap);
    lines.find(|line| line.contains("pass")).unwrap();
    lines
}

fn send(run: &Child, signal: Signal) {
    kill(Pid::from_raw(i32::try_from(run.id()).unwrap()), signal).unwrap();
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
    let lines = wait_for_result(&mut child);
    send(&child, signal);
    let rest: Vec<String> = lines.collect();
    assert_eq!(child.wait().unwrap().code(), Some(code), "{rest:#?}");
    assert!(rest.iter().any(|line| line.contains("interrupted")), "{rest:#?}");
    assert_nothing_left(&place);
}

#[test]
fn after_a_second_interrupt() {
    let place = TempDir::new().unwrap();
    // A server that ignores SIGTERM delays the shutdown.
    let stubborn = ["sh", "-c", "trap '' TERM; echo-unix $1; sleep 60", "sh", "{path}"];
    let mut child = run(&place, &[&["check", "unix", "--jobs", "2", "--"][..], &stubborn].concat());
    let lines = wait_for_result(&mut child);
    send(&child, Signal::SIGINT);
    send(&child, Signal::SIGTERM);
    drop(lines);
    assert!(matches!(child.wait().unwrap().code(), Some(130 | 143)));
    assert_nothing_left(&place);
}
