//! Nobody can tidy up after itself at SIGKILL. The servers go with the run all the same; its directory goes with the
//! next run.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use echospec::os::{self, Process};
use echospec::patience::until;
use tempfile::TempDir;

/// What only the processes of one run have in their environment.
const RUN: &str = "A_KILLED_RUN";

fn run(place: &TempDir, arguments: &[&str]) -> Child {
    let bundled = Path::new(env!("CARGO_BIN_EXE_echo-tcp-fork")).parent().unwrap();
    let path = format!("{}:{}", bundled.display(), std::env::var("PATH").unwrap_or_default());
    let mut run = Command::new(env!("CARGO_BIN_EXE_echospec"));
    run.args(arguments).env("TMPDIR", place.path()).env(RUN, place.path()).env("PATH", path);
    run.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

#[test]
fn a_killed_run_leaves_no_process_and_the_next_one_no_file() {
    let place = TempDir::new().unwrap();
    // Daemons that have left parent, group and session, beside a server with a child for each client.
    let hidden = "setsid sh -c 'sleep 1000 & sleep 1001' & exec echo-tcp-fork $1";
    let mut child = run(&place, &["check", "tcp", "--jobs", "2", "--", "sh", "-c", hidden, "sh", "{addr}"]);
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

/// Every living process with the environment of a run in `place`.
fn servers(place: &TempDir) -> Vec<Process> {
    let directory = place.path().to_str().unwrap();
    let mut all = os::processes().unwrap_or_default();
    all.retain(|it| !it.zombie && os::has_mark(it.pid, RUN, directory).unwrap_or(false));
    all
}
