//! The program from outside: what it prints, how it exits, and what it leaves behind.

use std::fs;

use assert_cmd::Command;
use predicates::prelude::*;
use predicates::str::contains;
use rstest::rstest;
use serde_json::Value;

fn echospec(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_echospec"));
    command.args(arguments);
    command
}

#[rstest]
#[case::no_place_for_the_address(&["check", "tcp", "--", "cat"], 2, "{addr} or {port}")]
#[case::a_place_where_there_is_no_address(&["check", "pipe", "--", "cat", "{addr}"], 2, "take {addr} out")]
#[case::an_area_for_a_glob(&["check", "pipe", "--only", "echo", "--", "cat"], 4, "did you mean 'echo/*'?")]
#[case::no_command(&["check", "tcp"], 2, "COMMAND")]
#[case::an_unknown_transport(&["check", "tpc", "--", "cat"], 2, "unix-seqpacket")]
#[case::a_path_for_a_port(&["check", "unix", "--", "server", "{port}"], 2, "{addr} or {path}")]
#[case::nothing_to_pass(&["check", "udp", "--start", "inetd", "--", "cat"], 2, "no connections to pass")]
#[case::a_scale_of_nothing(&["check", "pipe", "--timeout-scale", "0", "--", "cat"], 2, "between 0.01 and 1000")]
#[case::no_jobs(&["check", "pipe", "--jobs", "0", "--", "cat"], 2, "--jobs")]
#[case::a_broken_glob(&["check", "pipe", "--only", "[", "--", "cat"], 2, "--only")]
#[case::a_glob_for_nothing(&["check", "pipe", "--only", "ehco/*", "--", "cat"], 4, "no check matches 'ehco/*'")]
#[case::a_skip_for_nothing(&["check", "pipe", "--skip", "nothing", "--", "cat"], 4, "no check matches 'nothing'")]
#[case::checks_of_other_transports(&["check", "pipe", "--only", "port/*", "--", "cat"], 4, "none applies to pipe")]
#[case::no_such_program(&["check", "tcp", "--", "./no-such-server", "{addr}"], 3, "cannot run ./no-such-server")]
#[case::a_program_that_is_none(&["check", "tcp", "--", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"), "{addr}"], 3, "is it executable?")]
#[case::an_unknown_check(&["explain", "half-close"], 2, "did you mean 'echo/half-close'?")]
fn a_mistake_is_named_with_its_mend(#[case] arguments: &[&str], #[case] code: i32, #[case] hint: &str) {
    echospec(arguments).assert().code(code).stdout("").stderr(contains(hint));
}

#[test]
fn a_check_can_be_watched_step_by_step_and_its_directory_stays() {
    let place = tempfile::tempdir().unwrap();
    let server = env!("CARGO_BIN_EXE_echo-unix");
    let mut repro = echospec(&["repro", "echo/one-byte", "unix", "--", server, "{path}"]);
    let steps = [
        "the server is launched as process",
        "is ready at",
        "client 1 connects",
        "client 1 sends 1 byte: \"x\"",
        "client 1 receives 1 byte: \"x\"",
        "client 1 closes",
        "gets SIGTERM",
        "has ended: exit status 0",
        "pass  echo/one-byte",
    ];
    let output = repro.env("TMPDIR", place.path()).assert().success().get_output().stdout.clone();
    let text = String::from_utf8(output).unwrap();
    let places: Vec<_> = steps.iter().map(|step| text.find(step)).collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{places:?}\n{text}");
    // In /tmp, if TMPDIR is too long for a socket's path.
    let kept = text.lines().find_map(|line| line.strip_prefix("kept: ")).expect(&text);
    fs::remove_dir_all(kept).expect("the directory is kept");
    echospec(&["repro", "no/such", "pipe", "--", "cat"]).assert().code(2);
    echospec(&["repro", "port/many-clients", "pipe", "--", "cat"]).assert().code(4);
}

#[test]
fn what_is_known_of_a_server_is_no_news_and_what_no_longer_happens_is() {
    let place = tempfile::tempdir().unwrap();
    let record = |check: &str, outcome: &str| {
        let text = format!("[[expect]]\ncheck = '{check}'\noutcome = '{outcome}'\nreason = 'it buffers'\n");
        fs::write(place.path().join("echospec.toml"), text).unwrap();
    };
    let sed = ["check", "pipe", "--only", "echo/one-byte", "--timeout-scale", "0.1", "--", "sed", ""];
    let mut check = echospec(&sed);
    check.current_dir(place.path());
    record("echo/one-byte", "timeout");
    check.assert().success().stdout(contains("xfail  echo/one-byte").and(contains("expected: it buffers")));
    record("echo/one-byte", "crash");
    check.assert().code(1).stdout(contains("timeout  echo/one-byte"));
    record("echo/one-bite", "timeout");
    check.assert().code(2).stderr(contains("no check is called 'echo/one-bite'"));
    record("echo/one-byte", "timeout");
    let mut cat = echospec(&["check", "pipe", "--only", "echo/one-byte", "--", "cat"]);
    let gone = contains("xpass  echo/one-byte").and(contains("take the entry out"));
    cat.current_dir(place.path()).assert().code(1).stdout(gone);
}

#[test]
fn a_failure_with_another_message_than_the_one_on_record_is_news() {
    let place = tempfile::tempdir().unwrap();
    let record = |message: &str| {
        let entry = "[[expect]]\ncheck = 'echo/one-byte'\noutcome = 'timeout'\nreason = 'it buffers'\n";
        fs::write(place.path().join("echospec.toml"), format!("{entry}message = '{message}'\n")).unwrap();
    };
    let mut check =
        echospec(&["check", "pipe", "--only", "echo/one-byte", "--timeout-scale", "0.1", "--", "sed", ""]);
    check.current_dir(place.path());
    record("0 bytes came back, then nothing");
    check.assert().success().stdout(contains("xfail  echo/one-byte"));
    record("the connection was reset");
    check.assert().code(1).stdout(contains("timeout  echo/one-byte"));
}

#[test]
fn a_server_that_never_echoes_is_asked_for_its_echo_alone() {
    let twin = |arguments: &[&str], script: &str| {
        let mut check = echospec(&["check", "pipe", "--timeout-scale", "0.2"]);
        check.args(arguments).args(["--", "sh", "-c", script]).assert()
    };
    let shouts = "while read -r line; do echo \"$line!\"; done";
    let all = twin(&[], shouts).code(1);
    all.stdout(contains("fail  echo/all-bytes").and(contains("skipped  fd/eof-ends-it")).and(contains(
        "not asked, for this is no echo server. Sent a line of 13 bytes, it answered: at byte 12: \"!\\n\"",
    )));
    // A check that cannot run must not count as a pass.
    twin(&["--only", "fd/eof-ends-it"], shouts).code(3).stdout(contains("1 not run"));
    // A silent server may be silent because of the fault that a check looks for.
    twin(&["--only", "fd/eof-ends-it"], "exec sleep 60").code(1).stdout(contains("skipped").not());
}

#[test]
fn a_failure_that_passes_at_a_retry_is_called_flaky() {
    let place = tempfile::tempdir().unwrap();
    // Fails for as long as the file is there, and the first server of the check itself removes it.
    let mark = place.path().join("first");
    fs::write(&mark, "").unwrap();
    let script =
        "if [ -e $0 ] && [ -e $0.launched ]; then rm $0; exec sed ''; fi; touch $0.launched; exec cat";
    let mut check = echospec(&["check", "pipe", "--only", "echo/one-byte", "--timeout-scale", "0.1"]);
    check.args(["--flaky-retries", "1", "--", "sh", "-c", script]).arg(&mark);
    fs::write(place.path().join("first.launched"), "").unwrap();
    check.assert().success().stdout(contains("flaky  echo/one-byte").and(contains("passed at retry 1")));
}

#[test]
fn doctor_names_limits_and_remedies() {
    echospec(&["doctor"]).assert().success().stdout(contains("process table"));
    // With few descriptors something is limited on every system.
    let script = r#"ulimit -n 200 && exec "$0" doctor"#;
    let program = env!("CARGO_BIN_EXE_echospec");
    let limited = Command::new("sh").args(["-c", script, program]).assert();
    let words = contains("limited  descriptors: up to 200").and(contains("help: raise the hard limit"));
    limited.success().stdout(words);
}

#[test]
fn unsupported_check_and_doctor_say_the_same() {
    let script = r#"ulimit -n 200 && exec "$@""#;
    let limited = |arguments: &[&str]| {
        let mut command = Command::new("sh");
        command.args(["-c", script, "sh", env!("CARGO_BIN_EXE_echospec")]).args(arguments);
        command
    };
    let words = "help: raise the hard limit: ulimit -Hn 4096";
    limited(&["doctor"]).assert().success().stdout(contains(words));
    let server = env!("CARGO_BIN_EXE_echo-tcp");
    let mut check = limited(&["check", "tcp", "--only", "load/beyond-fd-setsize", "--", server, "{addr}"]);
    check.assert().success().stdout(contains("unsupported  load/beyond-fd-setsize").and(contains(words)));
}

#[test]
fn a_check_can_be_repeated_under_strace() {
    if let Err(error) = std::process::Command::new("strace").arg("-V").output() {
        return testing::skip(format!("strace: {error}"));
    }
    let place = tempfile::tempdir().unwrap();
    let mut repro = echospec(&["repro", "echo/one-byte", "pipe", "--strace", "--", "cat"]);
    let output = repro.env("TMPDIR", place.path()).assert().success().get_output().stdout.clone();
    let text = String::from_utf8(output).unwrap();
    let file = text.lines().find_map(|line| line.strip_prefix("system calls: ")).expect(&text);
    let calls = fs::read_to_string(file).unwrap();
    assert!(calls.contains("read(0, \"x\"") && calls.contains("write(1, \"x\""), "{calls}");
}

#[test]
fn a_hang_is_reported_with_what_the_server_holds() {
    let mut check = echospec(&["check", "pipe", "--only", "echo/one-byte", "--timeout-scale", "0.1"]);
    let words = contains("1 byte sent, 0 bytes came back").and(contains("(sed) is blocked in "));
    let held = predicate::str::is_match("and holds 0 pipe [0-9]+, 1 pipe [0-9]+, 2 pipe [0-9]+").unwrap();
    let run = check.args(["--", "sed", ""]).assert().code(1);
    if std::env::consts::OS == "linux" {
        run.stdout(words.and(held));
    }
}

#[test]
fn a_server_that_exits_at_once_is_quoted() {
    echospec(&["check", "tcp", "--", "sh", "-c", "echo no configuration file >&2; exit 7", "sh", "{addr}"])
        .assert()
        .code(3)
        .stderr(contains("ended before it was ready (exit status 7)").and(contains("no configuration file")));
}

#[test]
fn a_server_that_never_becomes_ready_is_quoted_too() {
    echospec(&["check", "tcp", "--timeout-scale", "0.05"])
        .args(["--", "sh", "-c", "echo still loading; exec sleep 60", "sh", "{addr}"])
        .assert()
        .code(3)
        .stderr(
            contains("not ready after 0.5 s: nothing listens on 127.0.0.1:").and(contains("still loading")),
        );
}

#[test]
fn a_mechanism_that_is_missing_here_is_unsupported_and_no_failure() {
    let script = "echo unsupported: no such sockets here >&2; exit 77";
    echospec(&["check", "unix", "--only", "echo/empty", "--", "sh", "-c", script, "sh", "{path}"])
        .assert()
        .code(0)
        .stdout(contains("unsupported").and(contains("no such sockets here")));
}

#[test]
fn json_holds_every_check_and_the_sum() {
    let run = echospec(&["check", "pipe", "--json", "-", "--seed", "7", "--", "cat"]).assert().code(0);
    let result: Value = serde_json::from_slice(&run.get_output().stdout).unwrap();
    assert_eq!(result["server"], "cat");
    assert_eq!(result["transport"], "pipe");
    assert_eq!(result["seed"], 7);
    let checks = result["checks"].as_array().unwrap();
    assert_eq!(result["summary"]["total"], checks.len());
    assert_eq!(result["summary"]["pass"], checks.len());
    for key in ["id", "outcome", "level", "expected", "actual", "reason", "millis"] {
        assert!(checks[0].get(key).is_some(), "{key} is missing");
    }
}

#[test]
fn a_failure_is_explained_and_can_be_run_again() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("result.json");
    // sed holds back what has no newline.
    echospec(&[
        "check",
        "pipe",
        "--only",
        "echo/one-byte",
        "--seed",
        "42",
        "--timeout-scale",
        "0.1",
        "--json",
    ])
    .arg(&file)
    .args(["--", "sed", "s/x/x/"])
    .assert()
    .code(1)
    .stdout(
        contains("a single byte without a newline comes back before the client sends the next one")
            .and(contains("expected  \"x\" back"))
            .and(contains("then nothing for 0.5 s"))
            .and(contains("RFC 862"))
            .and(contains(
                "echospec check pipe --only echo/one-byte --seed 42 --timeout-scale 0.1 -- sed s/x/x/",
            )),
    );
    let result: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    assert_eq!(result["checks"][0]["outcome"], "timeout");
}

#[test]
fn a_should_that_is_not_met_warns_and_the_run_succeeds() {
    echospec(&["check", "tcp", "--only", "life/ends-on-sigterm", "--"])
        .args(["sh", "-c", "trap 'exit 9' TERM; echo-tcp $1 & wait", "sh", "{addr}"])
        .env("PATH", path_with_bundled())
        .assert()
        .code(0)
        .stdout(contains("warn").and(contains("exit status 9")));
}

#[test]
fn levels_select_checks() {
    echospec(&["check", "pipe", "--level", "must", "--", "cat"])
        .assert()
        .code(0)
        .stdout(contains("echo/half-close").and(contains("fd/nonblocking-left-behind").not()));
}

#[test]
fn plain_output_has_no_escape_sequences() {
    echospec(&["check", "pipe", "--only", "echo/empty", "--", "cat"])
        .assert()
        .code(0)
        .stdout(contains("\x1b").not());
}

#[test]
fn list_and_explain_draw_on_the_checks() {
    echospec(&["list"])
        .assert()
        .code(0)
        .stdout(contains("echo/half-close").and(contains("port/same-source-port")));
    echospec(&["explain", "echo/half-close"])
        .assert()
        .code(0)
        .stdout(contains("RFC 9293 §3.6").and(contains("end of file")));
    let list = echospec(&["list", "--json"]).assert().code(0);
    let entries: Value = serde_json::from_slice(&list.get_output().stdout).unwrap();
    assert!(
        entries.as_array().unwrap().iter().all(|entry| !entry["transports"].as_array().unwrap().is_empty())
    );
}

fn path_with_bundled() -> std::ffi::OsString {
    let bundled = std::path::Path::new(env!("CARGO_BIN_EXE_echo-tcp")).parent().unwrap().to_owned();
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::join_paths([bundled].into_iter().chain(std::env::split_paths(&path))).unwrap()
}
