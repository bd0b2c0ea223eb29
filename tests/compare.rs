//! `echospec compare` from outside: results, failures of servers, and interruption.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use assert_cmd::Command;
use echospec::deadline::until;
use echospec::sys::{self, Process};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use predicates::str::contains;
use rstest::rstest;
use serde_json::Value;
use tempfile::TempDir;

/// Two short rounds with 64 bytes. The placement `free` is available on every system.
const SHORT: &[&str] =
    &["--placement", "free", "--sizes", "64", "--rounds", "2", "--time", "1", "--json", "-"];

fn compare(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_echospec"));
    command.arg("compare").args(arguments);
    command
}

/// Runs a short comparison with `arguments`, which must exit with `code`. Returns its JSON.
fn run_short(arguments: &[&str], code: i32) -> Value {
    let output = compare(arguments).args(SHORT).assert().code(code).get_output().stdout.clone();
    serde_json::from_slice(&output).unwrap()
}

fn cells(comparison: &Value) -> &Vec<Value> {
    comparison["cells"].as_array().unwrap()
}

/// Returns the reasons why measurements of `arm` have no result.
fn no_result<'a>(comparison: &'a Value, arm: &str) -> Vec<&'a str> {
    let of = cells(comparison).iter().filter(|cell| cell["arm"] == arm);
    of.filter_map(|cell| cell["void"].as_str()).collect()
}

#[rstest]
#[case::misspelt_mechanism(&["pipes"], "similar value exists: 'pipe'")]
#[case::misspelt_placement(&["--placement", "crsos"], "'cross'")]
#[case::size_zero(&["--sizes", "0"], "between 1 and 16M")]
#[case::rate_zero(&["--rates", "0"], "between 0.1 and 100000")]
#[case::no_rounds(&["--rounds", "0"], "--rounds")]
#[case::misspelt_reference(&["pipe", "tcp", "--reference", "tpc"], "did you mean 'tcp'?")]
#[case::server_without_name(&["--server", "./mine {addr}"], "NAME=TRANSPORT:COMMAND")]
#[case::duplicate_name(&["tcp", "--server", "tcp=tcp:./mine {addr}"], "two are called 'tcp'")]
#[case::no_placeholder(&["--server", "mine=tcp:./mine"], "{addr} or {port}")]
#[case::unknown_congestion_control(&["tcp", "--congestion", "nosuch"], "congestion control 'nosuch'")]
fn explains_mistakes_in_the_arguments(#[case] arguments: &[&str], #[case] hint: &str) {
    compare(arguments).assert().code(2).stdout("").stderr(contains(hint));
}

#[test]
fn explains_the_method() {
    let mut explain = Command::new(env!("CARGO_BIN_EXE_echospec"));
    explain.args(["explain", "compare"]).assert().success().stdout(contains("open loop"));
}

#[test]
fn fails_if_a_server_cannot_be_launched() {
    let mine = ["pipe", "--server", "mine=tcp:./no-such-server {addr}"];
    compare(&mine).args(SHORT).assert().code(3).stderr(contains("mine: cannot run ./no-such-server"));
}

#[test]
fn each_measurement_has_an_estimate_and_rounds() {
    let comparison = run_short(&["pipe", "unix", "tcp", "udp", "--rates", "1000"], 0);
    for cell in cells(&comparison) {
        let rounds = cell["rounds"].as_array().unwrap();
        assert!(cell["void"].is_null() && !rounds.is_empty(), "{cell}");
        let estimate = |end: &str| cell["figure"][end].as_f64().unwrap();
        assert!(0.0 < estimate("low") && estimate("low") <= estimate("value"), "{cell}");
        assert!(estimate("value") <= estimate("high"), "{cell}");
        assert_eq!(
            cell["ratio"].is_null(),
            cell["arm"] == "pipe" || cell["measure"] == "connections",
            "{cell}"
        );
        assert_eq!(cell["percentiles"].is_null(), cell["measure"] == "throughput", "{cell}");
    }
    let kinds: BTreeSet<_> = cells(&comparison)
        .iter()
        .map(|cell| ["arm", "measure"].map(|key| cell[key].as_str().unwrap().to_owned()))
        .collect();
    // Round trip and throughput of all four, and connections of two.
    assert_eq!(kinds.len(), 4 * 2 + 2, "{kinds:?}");
}

#[test]
fn compares_with_a_saved_run() {
    let place = TempDir::new().unwrap();
    let saved = place.path().join("before.json");
    let saved = saved.to_str().unwrap();
    let short = ["pipe", "unix", "--placement", "free", "--sizes", "64", "--rounds", "2", "--time", "1"];
    compare(&short).args(["--baseline", saved]).assert().code(2).stderr(contains("before.json"));
    compare(&short).args(["--save", saved]).assert().success();
    // With this threshold no change counts, so that the test does not depend on the times.
    let again = ["--baseline", saved, "--threshold", "1000", "--csv", "-"];
    compare(&short)
        .args(again)
        .assert()
        .success()
        .stdout(contains("round-trip"))
        .stderr(contains("baseline"));
}

#[test]
fn rejects_two_formats_on_standard_output() {
    compare(&["--csv", "-", "--json", "-"]).assert().code(2).stderr(contains("only one format"));
}

#[test]
fn oversized_message_has_no_result_and_no_fault() {
    let options =
        ["--placement", "free", "--rounds", "1", "--time", "1", "--json", "-", "--measures", "round-trip"];
    let sizes = ["udp", "tcp", "--sizes", "64,1M"];
    let output = compare(&options).args(sizes).assert().success().get_output().stdout.clone();
    let comparison: Value = serde_json::from_slice(&output).unwrap();
    assert!(matches!(&no_result(&comparison, "udp")[..], [why] if why.starts_with("not possible")));
    assert!(no_result(&comparison, "tcp").is_empty());
}

#[test]
fn silent_server_is_a_timeout() {
    let comparison = run_short(
        &[
            "pipe",
            "--measures",
            "round-trip",
            "--timeout-scale",
            "0.4",
            "--server",
            "mute=pipe:sh -c 'cat >&2; true'",
        ],
        1,
    );
    let why = no_result(&comparison, "mute").concat();
    assert!(why.starts_with("timeout: no progress"), "{why}");
    assert!(no_result(&comparison, "pipe").is_empty());
}

#[test]
fn reports_the_exit_status_of_a_server() {
    let dies = "dies=pipe:sh -c 'dd bs=64 count=20 2>/dev/null; exit 7'";
    let comparison = run_short(&["pipe", "--measures", "round-trip", "--server", dies], 1);
    let why = no_result(&comparison, "dies").concat();
    assert!(why.contains("exit status 7"), "{why}");
}

/// A TCP server that changes one byte of each client's stream. Its third argument is the byte's position.
const PYTHON: &str = "\
import socket, sys
host, port, wrong = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
listener = socket.create_server((host, port))
while True:
    client, _ = listener.accept()
    place = 0
    while data := bytearray(client.recv(65536)):
        if place <= wrong < place + len(data):
            data[wrong - place] ^= 1
        place += len(data)
        client.sendall(data)
    client.close()
";

/// A UDP server that drops every fiftieth datagram.
const LOSSY: &str = "\
import socket, sys
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind((sys.argv[1], int(sys.argv[2])))
number = 0
while True:
    data, client = server.recvfrom(65536)
    number += 1
    if number % 50:
        server.sendto(data, client)
";

/// Returns the `--server` argument for a Python server. `None` if there is no Python.
fn python(place: &TempDir, transport: &str, source: &str, rest: &str) -> Option<String> {
    let version = std::process::Command::new("python3").arg("--version").output();
    if version.is_err() {
        testing::skip("python3 is not installed");
        return None;
    }
    let script = place.path().join("echo.py");
    fs::write(&script, source).unwrap();
    Some(format!("py={transport}:python3 {} {{host}} {{port}} {rest}", script.display()))
}

#[test]
fn measures_a_server_of_the_user() {
    let place = TempDir::new().unwrap();
    let Some(server) = python(&place, "tcp", PYTHON, "-1") else { return };
    let comparison = run_short(&["tcp", "--server", &server], 0);
    let own: Vec<_> = cells(&comparison).iter().filter(|cell| cell["arm"] == "py").collect();
    assert!(own.len() == 3 && own.iter().all(|cell| cell["ratio"]["value"].as_f64().is_some()), "{own:?}");
}

#[test]
fn reports_the_position_of_a_wrong_byte() {
    let place = TempDir::new().unwrap();
    let Some(server) = python(&place, "tcp", PYTHON, "1000") else { return };
    let comparison = run_short(&["tcp", "--measures", "round-trip", "--server", &server], 1);
    let why = no_result(&comparison, "py").concat();
    // The first conversation begins at byte 4099 of the stream; its byte 1000 is wrong.
    assert!(why.starts_with("wrong bytes came back: at byte 5099: "), "{why}");
    assert!(cells(&comparison).iter().any(|cell| cell["arm"] == "tcp" && cell["void"].is_null()));
}

#[test]
fn lost_datagram_is_not_a_wrong_byte() {
    let place = TempDir::new().unwrap();
    let Some(server) = python(&place, "udp", LOSSY, "") else { return };
    let comparison = run_short(&["udp", "--measures", "throughput", "--server", &server], 1);
    let why = no_result(&comparison, "py").concat();
    assert!(why.contains("messages in flight were lost"), "{why}");
    assert!(no_result(&comparison, "udp").is_empty());
}

#[test]
fn signals_carry_at_most_8_bytes() {
    let options = ["--placement", "free", "--rounds", "2", "--time", "1", "--json", "-", "--sizes", "1,8,64"];
    let output = compare(&["signal", "pipe"]).args(options).assert().success().get_output().stdout.clone();
    let comparison: Value = serde_json::from_slice(&output).unwrap();
    if std::env::consts::OS != "linux" {
        assert!(comparison["arms"][0]["unsupported"].is_string());
        return;
    }
    let of = cells(&comparison).iter().filter(|cell| cell["arm"] == "signal");
    for cell in of {
        match cell["size"].as_u64().unwrap() {
            64 => assert!(cell["void"].as_str().unwrap().starts_with("not possible"), "{cell}"),
            _ => assert!(cell["void"].is_null() && !cell["rounds"].as_array().unwrap().is_empty(), "{cell}"),
        }
    }
}

/// An environment variable that marks the processes of one run.
const RUN: &str = "A_COMPARISON";

#[test]
fn interrupted_run_prints_results_and_leaves_nothing() {
    let place = TempDir::new().unwrap();
    sys::set_subreaper(true);
    let mut run = long_run(&place);
    let pid = Pid::from_raw(i32::try_from(run.id()).unwrap());
    // Keeps standard error open.
    let _stderr = await_sessions(&mut run, pid, &place);
    kill(pid, Signal::SIGINT).unwrap();
    let mut text = String::new();
    run.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(run.wait().unwrap().code(), Some(130));
    let comparison: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(comparison["interrupted"], true);
    assert!(!cells(&comparison).is_empty());
    assert_eq!(left(&place), []);
    let files: Vec<_> = fs::read_dir(place.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.is_empty(), "left behind: {files:?}");
}

fn long_run(place: &TempDir) -> Child {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_echospec"));
    command.args(["compare", "pipe", "signal", "--placement", "free", "--sizes", "8", "--rounds", "1000"]);
    command.args(["--time", "600", "--json", "-"]).env("TMPDIR", place.path()).env(RUN, place.path());
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Waits until some rounds are over. The run reports its progress on SIGUSR1.
fn await_sessions(run: &mut Child, pid: Pid, place: &TempDir) -> impl BufRead + use<> {
    // It handles signals before it launches a process.
    let launched = until(Duration::from_secs(20), || Ok((left(place).len() > 1).then_some(())));
    assert!(launched.unwrap().is_some());
    let mut errors = BufReader::new(run.stderr.take().unwrap());
    loop {
        kill(pid, Signal::SIGUSR1).unwrap();
        let mut line = String::new();
        errors.read_line(&mut line).unwrap();
        let session = line.split("session ").nth(1).and_then(|rest| rest.split(' ').next()?.parse().ok());
        if session > Some(4) {
            return errors;
        }
    }
}

/// Returns the living processes of the run in `place`.
fn left(place: &TempDir) -> Vec<Process> {
    let directory: &Path = place.path();
    let mut all = sys::processes().unwrap_or_default();
    all.retain(|it| {
        !it.zombie && sys::has_env_var(it.pid, RUN, directory.to_str().unwrap()).unwrap_or(false)
    });
    all
}
