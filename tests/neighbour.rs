//! Files that another user of the machine may have put where the program looks.

use std::fs;
use std::io::Read;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use echospec::deadline::until;
use nix::sys::signal::{Signal, kill};
use nix::sys::stat::Mode;
use nix::unistd::{Pid, mkfifo};
use rstest::rstest;
use tempfile::TempDir;
use testing as _;

/// The time in which a run of one check certainly ends, unless it is blocked.
const LIMIT: Duration = Duration::from_secs(60);

fn run(place: &Path) -> Command {
    let mut run = Command::new(env!("CARGO_BIN_EXE_echospec"));
    run.args(["check", "pipe", "--only", "echo/empty", "--", "cat"]);
    run.env("TMPDIR", place).current_dir(place).stdin(Stdio::null());
    run
}

/// Waits until the run ends. Kills it and fails if it does not.
fn exit_code(mut run: Child) -> Option<i32> {
    let ended = until(LIMIT, || Ok(run.try_wait().unwrap()));
    if ended == Ok(None) {
        run.kill().unwrap();
        run.wait().unwrap();
        panic!("the run is blocked");
    }
    ended.unwrap().unwrap().code()
}

#[rstest]
#[case::fifo(|path: &Path| mkfifo(path, Mode::S_IRWXU).unwrap())]
#[case::link(|path: &Path| symlink("/dev/tty", path).unwrap())]
#[case::socket(|path: &Path| drop(UnixListener::bind(path).unwrap()))]
#[case::directory(|path: &Path| fs::create_dir(path).unwrap())]
fn an_object_that_a_run_would_lock_blocks_no_run(#[case] make: fn(&Path)) {
    // Not in TMPDIR: a long one leaves no room for the path of a socket.
    let place = TempDir::new_in("/tmp").unwrap();
    let theirs = place.path().join("echospec-x");
    fs::create_dir(&theirs).unwrap();
    make(&theirs.join("alive"));
    let run = run(place.path()).stdout(Stdio::null()).spawn().unwrap();
    assert_eq!(exit_code(run), Some(0));
    assert!(theirs.join("alive").symlink_metadata().is_ok(), "it was removed");
}

#[test]
fn many_files_beside_the_run_do_not_delay_it() {
    let place = TempDir::new().unwrap();
    for number in 0..20_000 {
        fs::File::create(place.path().join(format!("echospec-{number}"))).unwrap();
    }
    let run = run(place.path()).stdout(Stdio::null()).spawn().unwrap();
    assert_eq!(exit_code(run), Some(0));
}

#[test]
fn expectations_in_a_fifo_are_refused() {
    let place = TempDir::new().unwrap();
    mkfifo(&place.path().join("echospec.toml"), Mode::S_IRWXU).unwrap();
    let mut run = run(place.path()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut errors = run.stderr.take().unwrap();
    assert_eq!(exit_code(run), Some(2));
    let mut text = String::new();
    errors.read_to_string(&mut text).unwrap();
    assert!(text.contains("echospec.toml is no regular file"), "{text}");
}

#[test]
fn sigterm_ends_a_run_whose_output_nobody_reads() {
    let place = TempDir::new().unwrap();
    let (reader, writer) = echospec::server::full_pipe().unwrap();
    let run = run(place.path()).stdout(writer).spawn().unwrap();
    let pid = Pid::from_raw(i32::try_from(run.id()).unwrap());
    let blocked = || Ok((echospec::sys::is_blocked_writing_pipe(pid).unwrap_or(true)).then_some(()));
    assert!(until(LIMIT, blocked).unwrap().is_some(), "the run does not print");
    kill(pid, Signal::SIGTERM).unwrap();
    assert_eq!(exit_code(run), Some(143));
    drop(reader);
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0, "left behind");
}
