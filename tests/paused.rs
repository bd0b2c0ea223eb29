//! Ctrl-Z (SIGTSTP) stops the harness, and its deadlines with it.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use echospec::deadline::{until, wait};
use echospec::sys;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use testing as _;

/// Makes the file `heard` when a byte arrives, and sends it back when the file `go` exists.
const SERVER: &str = r#"
while IFS= read -r -n1 byte; do
    : >"$0/heard"
    until [ -e "$0/go" ]; do read -r -t 0.02 _ <>"$0/never"; done
    printf %s "$byte"
done
"#;

/// Longer than the deadline for a reply with `--timeout-scale 0.4`: 2 s.
const PAUSE: Duration = Duration::from_secs(3);

const TIME_LIMIT: Duration = Duration::from_secs(60);

#[test]
fn stopped_time_does_not_count_against_a_deadline() {
    let place = tempfile::tempdir().unwrap();
    nix::unistd::mkfifo(&place.path().join("never"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let mut run = Command::new(env!("CARGO_BIN_EXE_echospec"));
    run.args(["check", "pipe", "--only", "echo/one-byte", "--timeout-scale", "0.4", "--"]);
    run.args(["bash", "-c", SERVER]).arg(place.path()).env("TMPDIR", place.path());
    // SIGTSTP stops a process group only if a parent in its session can continue it: setpgid(2).
    let run = run.process_group(0).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let pid = Pid::from_raw(i32::try_from(run.id()).unwrap());

    wait_for(&place.path().join("heard"));
    kill(pid, Signal::SIGTSTP).unwrap();
    let stopped = || Ok(is_stopped(pid).then_some(()));
    assert!(until(TIME_LIMIT, stopped).unwrap().is_some(), "SIGTSTP has not stopped it");
    // The test is about this time going by.
    wait(&mut [], PAUSE).unwrap();
    kill(pid, Signal::SIGCONT).unwrap();
    // If the pause does not count, the harness still waits, and the answer comes in time.
    assert!(until(TIME_LIMIT, || Ok((!is_stopped(pid)).then_some(()))).unwrap().is_some());
    fs::write(place.path().join("go"), "").unwrap();

    let output = run.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("pass  echo/one-byte"), "{text}");
}

fn wait_for(path: &Path) {
    assert!(until(TIME_LIMIT, || Ok(path.exists().then_some(()))).unwrap().is_some(), "{}", path.display());
}

fn is_stopped(pid: Pid) -> bool {
    sys::processes().unwrap().iter().any(|process| process.pid == pid && process.stopped)
}
