//! Ctrl-Z stops the harness, and its deadlines with it.

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

/// Answers each byte once the file `go` is there, and says in the file `heard` that one has come.
const SERVER: &str = r#"
while IFS= read -r -n1 byte; do
    : >"$0/heard"
    until [ -e "$0/go" ]; do read -r -t 0.02 _ <>"$0/never"; done
    printf %s "$byte"
done
"#;

/// Longer than a conversation may stand still under the factor below: 0.4 of 5 s.
const PAUSE: Duration = Duration::from_secs(3);

const LONGEST: Duration = Duration::from_secs(60);

#[test]
fn a_harness_that_was_stopped_for_longer_than_a_deadline_gives_the_server_the_rest_of_it() {
    let place = tempfile::tempdir().unwrap();
    nix::unistd::mkfifo(&place.path().join("never"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let mut run = Command::new(env!("CARGO_BIN_EXE_echospec"));
    run.args(["check", "pipe", "--only", "echo/one-byte", "--timeout-scale", "0.4", "--"]);
    run.args(["bash", "-c", SERVER]).arg(place.path()).env("TMPDIR", place.path());
    // SIGTSTP does nothing to a process group without a parent in its session to continue it: setpgid(2).
    let run = run.process_group(0).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let pid = Pid::from_raw(i32::try_from(run.id()).unwrap());

    wait_for(&place.path().join("heard"));
    kill(pid, Signal::SIGTSTP).unwrap();
    let stopped = || Ok(is_stopped(pid).then_some(()));
    assert!(until(LONGEST, stopped).unwrap().is_some(), "SIGTSTP does not stop it");
    // Nothing is to happen but that this time goes by.
    wait(&mut [], PAUSE).unwrap();
    kill(pid, Signal::SIGCONT).unwrap();
    // It has taken its pause off no deadline if it waits on, and the answer still comes in time.
    assert!(until(LONGEST, || Ok((!is_stopped(pid)).then_some(()))).unwrap().is_some());
    fs::write(place.path().join("go"), "").unwrap();

    let output = run.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("pass  echo/one-byte"), "{text}");
}

fn wait_for(path: &Path) {
    assert!(until(LONGEST, || Ok(path.exists().then_some(()))).unwrap().is_some(), "{}", path.display());
}

fn is_stopped(pid: Pid) -> bool {
    sys::processes().unwrap().iter().any(|process| process.pid == pid && process.stopped)
}
