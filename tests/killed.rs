//! SIGKILL leaves a run no chance to clean up. Its servers exit all the same, and the next run removes its directory.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use echospec::deadline::until;
use echospec::sys::{self, Process};
use echospec::sys::{MessageQueue, system_v_queue_exists};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rstest::rstest;
use tempfile::TempDir;

/// An environment variable that marks the processes of a run.
const RUN: &str = "A_KILLED_RUN";

fn run(place: &TempDir, arguments: &[&str]) -> Child {
    let bundled = Path::new(env!("CARGO_BIN_EXE_echo-tcp-fork")).parent().unwrap();
    let path = format!("{}:{}", bundled.display(), std::env::var("PATH").unwrap_or_default());
    let mut run = Command::new(env!("CARGO_BIN_EXE_echospec"));
    run.args(arguments).env("TMPDIR", place.path()).env(RUN, place.path()).env("PATH", path);
    run.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

#[test]
fn killed_run_leaves_no_process_and_the_next_no_file() {
    let place = TempDir::new().unwrap();
    // Daemons in a session of their own, beside a server with a child for each client.
    let daemons = "setsid sh -c 'sleep 1000 & sleep 1001' & exec echo-tcp-fork $1";
    let mut child = run(&place, &["check", "tcp", "--jobs", "2", "--", "sh", "-c", daemons, "sh", "{addr}"]);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    lines.find(|line| line.contains("pass")).unwrap();
    assert!(!servers(&place).is_empty());
    child.kill().unwrap();
    child.wait().unwrap();
    let gone = until(Duration::from_secs(10), || Ok(servers(&place).is_empty().then_some(())));
    assert!(gone.unwrap().is_some(), "{:?}", servers(&place));

    let next = ["check", "pipe", "--only", "echo/empty", "--", "cat"];
    assert!(run(&place, &next).wait().unwrap().success());
    let files: Vec<_> = fs::read_dir(place.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.is_empty(), "left behind: {files:?}");
}

#[rstest]
#[case::posix("mqueue")]
#[case::system_v("sysv-mq")]
fn next_run_removes_the_queues_of_a_killed_comparison(#[case] mechanism: &str) {
    if std::env::consts::OS != "linux" {
        return testing::skip("only Linux has servers with queues");
    }
    let place = TempDir::new().unwrap();
    // If the server is just exiting, it removes them itself: then try again.
    let left = (0..20)
        .find_map(|_| Some(end_during(&place, mechanism, Signal::SIGKILL)).filter(|it| !it.is_empty()));
    let left = left.expect("queues of a killed comparison");
    let next = ["compare", "pipe", "--placement", "free", "--rounds", "1", "--time", "1", "--sizes", "64"];
    assert!(run(&place, &next).wait().unwrap().success());
    assert!(!left.iter().any(|it| queue_exists(it)), "{left:?}");
    let files: Vec<_> = fs::read_dir(place.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.is_empty(), "left behind: {files:?}");
}

#[rstest]
#[case::posix("mqueue")]
#[case::system_v("sysv-mq")]
fn interrupted_comparison_leaves_no_queue(#[case] mechanism: &str) {
    if std::env::consts::OS != "linux" {
        return testing::skip("only Linux has servers with queues");
    }
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let place = TempDir::new().unwrap();
        assert_eq!(end_during(&place, mechanism, signal), [""; 0], "{signal}");
        let files: Vec<_> = fs::read_dir(place.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(files.is_empty(), "{signal}: left behind: {files:?}");
    }
}

/// Ends a comparison by `signal` while it measures `mechanism`. Returns the queues that remain when all processes have
/// exited.
fn end_during(place: &TempDir, mechanism: &str, signal: Signal) -> Vec<String> {
    let words = ["compare", "mqueue", "sysv-mq", "shm-futex", "--placement", "free", "--rounds", "100"];
    let mut child = run(place, &words);
    let made = until(Duration::from_secs(60), || Ok(queues(place, mechanism))).unwrap();
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), signal).unwrap();
    child.wait().unwrap();
    let gone = until(Duration::from_secs(10), || Ok(servers(place).is_empty().then_some(())));
    assert!(gone.unwrap().is_some(), "{:?}", servers(place));
    let mut left = made.expect("a server of that mechanism");
    left.retain(|queue| queue_exists(queue));
    left
}

/// Returns the names or keys of the queues of the server of `mechanism` in `place`, if it has made both.
fn queues(place: &TempDir, mechanism: &str) -> Option<Vec<String>> {
    let command = servers(place).into_iter().find_map(|it| {
        let words = sys::command_line(it.pid);
        words.first()?.ends_with(&format!("echo-{mechanism}")).then_some(words)
    })?;
    let address = command.get(1)?;
    let both = match address.parse::<i32>() {
        Ok(key) => vec![key.to_string(), (key + 1).to_string()],
        Err(_) => vec![format!("{address}.in"), format!("{address}.out")],
    };
    both.iter().all(|it| queue_exists(it)).then_some(both)
}

fn queue_exists(queue: &str) -> bool {
    queue.parse().map_or_else(|_| MessageQueue::posix(queue, false).is_ok(), system_v_queue_exists)
}

/// Returns the processes of the run in `place` that are alive.
fn servers(place: &TempDir) -> Vec<Process> {
    let directory = place.path().to_str().unwrap();
    let mut all = sys::processes().unwrap_or_default();
    all.retain(|it| !it.zombie && sys::has_env_var(it.pid, RUN, directory).unwrap_or(false));
    all
}
