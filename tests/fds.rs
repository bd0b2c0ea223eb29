//! `echospec fds` names the right processes at the other ends of other people's programs.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use echospec::deadline::until;
use serde_json::Value;

/// A child process that is killed when the test ends.
struct Guarded(Child);

impl Drop for Guarded {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Launches a program, or skips the test if there is none.
fn launch(command: &mut Command) -> Option<Guarded> {
    match command.spawn() {
        Ok(child) => Some(Guarded(child)),
        Err(error) => {
            testing::skip(format!("{:?}: {error}", command.get_program()));
            None
        }
    }
}

fn fds(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_echospec"));
    command.arg("fds").args(arguments).stdin(Stdio::null());
    command
}

/// Returns the JSON output for these arguments. Works on Linux and macOS only.
fn inspect(arguments: &[&str]) -> Value {
    let output = fds(&[&["--json"], arguments].concat()).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn process<'a>(view: &'a Value, program: &str) -> &'a Value {
    let all = view["processes"].as_array().unwrap();
    all.iter().find(|it| it["program"] == program).unwrap_or_else(|| panic!("no {program} in {view:#}"))
}

fn descriptor(process: &Value, number: i64) -> &Value {
    let all = process["descriptors"].as_array().unwrap();
    all.iter().find(|it| it["number"] == number).unwrap_or_else(|| panic!("no {number} in {process:#}"))
}

/// Returns whether `holders` contains this descriptor of this process.
fn contains(holders: &Value, pid: &Value, number: i64) -> bool {
    holders.as_array().unwrap().iter().any(|holder| holder["pid"] == *pid && holder["number"] == number)
}

#[test]
fn a_busy_pipeline_is_drawn_and_killed() {
    // If wc is killed last, it may print its counts before.
    let pipeline = "yes | head -c 100000000000000 | wc > /dev/null";
    let view = inspect(&["--timeout-scale", "0.4", "--", "sh", "-c", pipeline]);
    let [yes, head, wc] = ["yes", "head", "wc"].map(|program| process(&view, program));
    assert!(contains(&descriptor(yes, 1)["others"], &head["pid"], 0), "{view:#}");
    assert!(contains(&descriptor(head, 0)["others"], &yes["pid"], 1), "{view:#}");
    assert!(contains(&descriptor(head, 1)["others"], &wc["pid"], 0), "{view:#}");
    assert!(contains(&descriptor(wc, 0)["others"], &head["pid"], 1), "{view:#}");
    assert_eq!([&descriptor(head, 0)["access"], &descriptor(head, 1)["access"]], ["read", "write"]);
    let lives = |it: &Value| {
        let pid = nix::unistd::Pid::from_raw(it["pid"].as_i64().unwrap().try_into().unwrap());
        echospec::sys::executable(pid).is_some_and(|path| path.ends_with(it["program"].as_str().unwrap()))
    };
    assert!(![yes, head, wc].into_iter().any(lives), "left behind");
}

#[test]
fn an_idle_pipeline_is_drawn_in_ascii() {
    let output = fds(&["--ascii", "--", "sh", "-c", "sleep 1000 | cat"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && text.is_ascii(), "{text}");
    assert!(text.contains("1 stdout pipe") && text.contains("other end: cat ("), "{text}");
    assert!(text.contains("0 stdin  pipe") && text.contains("other end: sleep ("), "{text}");
    assert!(text.contains("->-+"), "no line is drawn between the ends:\n{text}");
}

#[test]
fn a_python_server_and_nc_are_each_others_peers() {
    let server = "import socket\ns = socket.create_server(('127.0.0.1', 0))\nprint(s.getsockname()[1], flush=True)\n\
                  c, _ = s.accept()\nprint(c.fileno(), flush=True)\nc.recv(1)";
    let mut python = Command::new("python3");
    python.args(["-c", server]).stdin(Stdio::null()).stdout(Stdio::piped());
    let Some(mut python) = launch(&mut python) else { return };
    let mut lines = BufReader::new(python.0.stdout.take().unwrap()).lines().map(Result::unwrap);
    let port = lines.next().unwrap();
    let mut nc = Command::new("nc");
    nc.args(["127.0.0.1", &port]).stdin(Stdio::piped()).stdout(Stdio::null());
    let Some(nc) = launch(&mut nc) else { return };
    let accepted: i64 = lines.next().unwrap().parse().unwrap();
    let view = inspect(&[&python.0.id().to_string()]);
    let connection = descriptor(&view["processes"][0], accepted);
    let others = connection["others"].as_array().unwrap();
    assert!(others.iter().any(|holder| holder["pid"] == nc.0.id()), "{connection:#}");
    let listener = descriptor(&view["processes"][0], 3);
    assert!(listener["object"].as_str().unwrap().contains(&format!("listener 127.0.0.1:{port}")));
    assert!(listener["other_end"].is_null(), "a listener has no other end: {listener:#}");
}

#[test]
fn a_peer_that_was_not_asked_for_is_named() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let mut cat = Command::new("cat");
    cat.stdin(OwnedFd::from(theirs)).stdout(Stdio::null());
    let Some(cat) = launch(&mut cat) else { return };
    let view = inspect(&[&cat.0.id().to_string()]);
    let stdin = descriptor(&view["processes"][0], 0);
    assert!(contains(&stdin["others"], &std::process::id().into(), ours.as_raw_fd().into()), "{stdin:#}");
}

/// Returns the other ends that `lsof -E` names: `COMMAND … 0r FIFO … 1234 pipe 4711,yes,1w`.
fn lsof(pid: u32, number: i64) -> Vec<(u32, i64)> {
    let columns = ["-n", "-P", "-w", "-E", "-a", "-d", &number.to_string(), "-p", &pid.to_string()];
    let output = Command::new("lsof").args(columns).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let line =
        text.lines().nth(1).unwrap_or_else(|| panic!("lsof shows nothing of {pid}'s {number}: {text}"));
    let end = |word: &str| {
        let parts: Vec<_> = word.split(',').collect();
        let [pid, _, number] = parts[..] else { return None };
        Some((pid.parse().ok()?, number.trim_end_matches(char::is_alphabetic).parse().ok()?))
    };
    line.split_whitespace().filter_map(end).collect()
}

#[test]
fn lsof_names_the_same_other_ends() {
    let absent = || Command::new("lsof").arg("-v").stderr(Stdio::null()).status().is_err();
    if std::env::consts::OS != "linux" || absent() {
        return testing::skip("there is no lsof that knows -E");
    }
    let mut command = Command::new("cat");
    let Some(cat) = launch(command.stdin(Stdio::piped()).stdout(Stdio::piped())) else { return };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (server, _) = listener.accept().unwrap();
    let (one, two) = UnixStream::pair().unwrap();
    let (me, cat_pid) = (std::process::id(), cat.0.id());
    let pipes = [cat.0.stdin.as_ref().unwrap().as_raw_fd(), cat.0.stdout.as_ref().unwrap().as_raw_fd()];
    let ends = [
        ((cat_pid, 0), (me, pipes[0])),
        ((cat_pid, 1), (me, pipes[1])),
        ((me, client.as_raw_fd()), (me, server.as_raw_fd())),
        ((me, one.as_raw_fd()), (me, two.as_raw_fd())),
    ];
    let view = inspect(&[&cat_pid.to_string(), &me.to_string()]);
    for ((pid, number), (other, far)) in ends {
        let (number, far) = (i64::from(number), i64::from(far));
        let asked = &view["processes"][usize::from(pid == me)];
        assert!(contains(&descriptor(asked, number)["others"], &other.into(), far), "{asked:#}");
        let named = lsof(pid, number);
        assert!(named.contains(&(other, far)), "lsof names {named:?}, not {far} of {other}");
    }
}

#[test]
fn a_pipe_without_a_reader_is_described() {
    let Some(mut cat) = launch(Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped())) else {
        return;
    };
    drop(cat.0.stdout.take());
    let output = fds(&[&cat.0.id().to_string()]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let described = text.contains("other end: no process; a write fails with EPIPE")
        || text.contains("permission denied");
    assert!(described, "{text}");
}

#[test]
fn a_missing_process_is_a_usage_error() {
    // Larger than the largest process id: 4194304 on Linux (proc(5)), 99999 on macOS.
    let output = fds(&["999999999"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("there is no process 999999999") && text.contains("ps -e"), "{text}");
    assert_eq!(fds(&["0"]).output().unwrap().status.code(), Some(2));
    assert_eq!(fds(&[]).output().unwrap().status.code(), Some(2));
}

#[test]
fn a_command_that_exits_or_cannot_run_is_an_error() {
    let ended = fds(&["--", "true"]).output().unwrap();
    assert_eq!(ended.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&ended.stderr).contains("true has exited (exit status 0)"));
    let absent = fds(&["--", "./no-such-program"]).output().unwrap();
    assert_eq!(absent.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&absent.stderr).contains("cannot run ./no-such-program"));
}

/// Process 1 belongs to root. If root runs this test, it runs a copy of the program as an unprivileged user.
#[test]
fn descriptors_of_another_user_are_not_visible() {
    const UNPRIVILEGED: u32 = 65_534;
    let place = tempfile::tempdir().unwrap();
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let program = place.path().join("echospec");
    fs::copy(env!("CARGO_BIN_EXE_echospec"), &program).unwrap();
    let mut command = Command::new(&program);
    command.args(["fds", "1"]).stdin(Stdio::null());
    if nix::unistd::geteuid().is_root() {
        command.uid(UNPRIVILEGED).gid(UNPRIVILEGED);
    }
    // A child that another test forks may still have the copy open for writing (ETXTBSY).
    let output = until(Duration::from_secs(10), || Ok(command.output().ok())).unwrap();
    let Some(output) = output else {
        return testing::skip(format!("an unprivileged user may not run {}", program.display()));
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(3), "{text}");
    assert!(text.contains("descriptors not visible: permission denied; run as root"), "{text}");
}
