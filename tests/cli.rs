//! The program from outside: its output and its exit codes.

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
#[case::address_placeholder_missing(&["check", "tcp", "--", "cat"], 2, "{addr} or {port}")]
#[case::address_placeholder_without_address(&["check", "pipe", "--", "cat", "{addr}"], 2, "take {addr} out")]
#[case::area_instead_of_glob(&["check", "pipe", "--only", "echo", "--", "cat"], 4, "did you mean 'echo/*'?")]
#[case::command_missing(&["check", "tcp"], 2, "COMMAND")]
#[case::unknown_transport(&["check", "tpc", "--", "cat"], 2, "unix-seqpacket")]
#[case::port_placeholder_for_path(&["check", "unix", "--", "server", "{port}"], 2, "{addr} or {path}")]
#[case::inetd_without_connections(&["check", "udp", "--start", "inetd", "--", "cat"], 2, "no connections to pass")]
#[case::timeout_scale_zero(&["check", "pipe", "--timeout-scale", "0", "--", "cat"], 2, "between 0.01 and 1000")]
#[case::zero_jobs(&["check", "pipe", "--jobs", "0", "--", "cat"], 2, "--jobs")]
#[case::invalid_glob(&["check", "pipe", "--only", "[", "--", "cat"], 2, "--only")]
#[case::only_without_match(&["check", "pipe", "--only", "ehco/*", "--", "cat"], 4, "no check matches 'ehco/*'")]
#[case::skip_without_match(&["check", "pipe", "--skip", "nothing", "--", "cat"], 4, "no check matches 'nothing'")]
#[case::only_checks_that_do_not_apply(&["check", "pipe", "--only", "port/*", "--", "cat"], 4, "none applies to pipe")]
#[case::missing_program(&["check", "tcp", "--", "./no-such-server", "{addr}"], 3, "cannot run ./no-such-server")]
#[case::file_not_executable(&["check", "tcp", "--", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"), "{addr}"], 3, "is it executable?")]
#[case::unknown_check(&["explain", "half-close"], 2, "did you mean 'echo/half-close'?")]
fn errors_say_what_to_do(#[case] arguments: &[&str], #[case] code: i32, #[case] hint: &str) {
    echospec(arguments).assert().code(code).stdout("").stderr(contains(hint));
}

#[test]
fn expected_failure_passes_and_unexpected_pass_fails() {
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
    check.assert().code(2).stderr(contains("no check is called `echo/one-bite`"));
    record("echo/one-byte", "timeout");
    let mut cat = echospec(&["check", "pipe", "--only", "echo/one-byte", "--", "cat"]);
    let gone = contains("xpass  echo/one-byte").and(contains("take the entry out"));
    cat.current_dir(place.path()).assert().code(1).stdout(gone);
}

#[test]
fn expected_failure_needs_the_expected_message() {
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
fn server_without_echo_gets_only_the_echo_checks() {
    let twin = |arguments: &[&str], script: &str| {
        let mut check = echospec(&["check", "pipe", "--timeout-scale", "0.2"]);
        check.args(arguments).args(["--", "sh", "-c", script]).assert()
    };
    let shouts = "while read -r line; do echo \"$line!\"; done";
    let all = twin(&[], shouts).code(1);
    all.stdout(contains("fail  echo/all-bytes").and(contains("skipped  fd/eof-ends-it")).and(contains(
        "not asked, for this is no echo server. Sent a line of 13 bytes, it answered: at byte 12: \"!\\n\"",
    )));
    // A skipped check is not a success.
    twin(&["--only", "fd/eof-ends-it"], shouts).code(3).stdout(contains("1 not run"));
    // A silent server may be one that the check is about, so the check runs.
    twin(&["--only", "fd/eof-ends-it"], "exec sleep 60").code(1).stdout(contains("skipped").not());
}

#[test]
fn failure_that_passes_at_a_retry_is_flaky() {
    let place = tempfile::tempdir().unwrap();
    // The server fails while the file exists. The first server of the check removes it.
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
    // Few descriptors are a limit on every system.
    let script = r#"ulimit -n 200 && exec "$0" doctor"#;
    let program = env!("CARGO_BIN_EXE_echospec");
    let limited = Command::new("sh").args(["-c", script, program]).assert();
    let words = contains("limited  descriptors: up to 200").and(contains("help: raise the limit"));
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
    let words = "help: raise the limit: ulimit -n 4096";
    limited(&["doctor"]).assert().success().stdout(contains(words));
    let server = env!("CARGO_BIN_EXE_echo-tcp");
    let mut check = limited(&["check", "tcp", "--only", "load/beyond-fd-setsize", "--", server, "{addr}"]);
    check.assert().success().stdout(contains("unsupported  load/beyond-fd-setsize").and(contains(words)));
}

#[test]
fn hang_is_reported_with_state_and_descriptors() {
    let mut check = echospec(&["check", "pipe", "--only", "echo/one-byte", "--timeout-scale", "0.1"]);
    let words = contains("1 byte sent, 0 bytes came back").and(contains("(sed) is blocked in "));
    let held = predicate::str::is_match("and holds 0 pipe [0-9]+, 1 pipe [0-9]+, 2 pipe [0-9]+").unwrap();
    let run = check.args(["--", "sed", ""]).assert().code(1);
    if std::env::consts::OS == "linux" {
        run.stdout(words.and(held));
    }
}

#[test]
fn output_of_a_server_that_exits_at_once_is_shown() {
    echospec(&["check", "tcp", "--", "sh", "-c", "echo no configuration file >&2; exit 7", "sh", "{addr}"])
        .assert()
        .code(3)
        .stderr(contains("ended before it was ready (exit status 7)").and(contains("no configuration file")));
}

#[test]
fn output_of_a_server_that_never_gets_ready_is_shown() {
    echospec(&["check", "tcp", "--timeout-scale", "0.05"])
        .args(["--", "sh", "-c", "echo still loading; exec sleep 60", "sh", "{addr}"])
        .assert()
        .code(3)
        .stderr(
            contains("not ready after 0.5 s: nothing listens on 127.0.0.1:").and(contains("still loading")),
        );
}

#[test]
fn exit_code_77_is_unsupported() {
    let script = "echo unsupported: no such sockets here >&2; exit 77";
    echospec(&["check", "unix", "--only", "echo/empty", "--", "sh", "-c", script, "sh", "{path}"])
        .assert()
        .code(0)
        .stdout(contains("unsupported").and(contains("no such sockets here")));
}

#[test]
fn json_has_all_checks_and_a_summary() {
    let run = echospec(&["check", "pipe", "--json", "-", "--seed", "7", "--", "cat"]).assert().code(0);
    let result: Value = serde_json::from_slice(&run.get_output().stdout).unwrap();
    assert_eq!(result["server"], "cat");
    assert_eq!(result["transport"], "pipe");
    assert_eq!(result["seed"], 7);
    let checks = result["checks"].as_array().unwrap();
    assert_eq!(result["summary"]["total"], checks.len());
    // cat logs nothing, so it cannot be asked to go on while its log is not read.
    let unasked = checks.iter().filter(|check| check["outcome"] == "unsupported").count();
    assert_eq!(unasked, 1);
    assert_eq!(result["summary"]["pass"], checks.len() - unasked);
    for key in ["id", "outcome", "level", "expected", "actual", "reason", "millis"] {
        assert!(checks[0].get(key).is_some(), "{key} is missing");
    }
}

#[test]
fn failure_shows_reason_and_command_to_repeat() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("result.json");
    // sed waits for a newline before it writes.
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
fn unmet_should_is_a_warning() {
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
fn list_and_explain_show_the_checks() {
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

#[test]
fn fail_fast_skips_the_rest() {
    let only = ["--only", "echo/one-byte", "--only", "echo/ping-pong", "--only", "echo/empty"];
    let options = ["check", "pipe", "--jobs", "1", "--timeout-scale", "0.1", "--fail-fast"];
    // sed waits for a newline before it writes.
    echospec(&[&options[..], &only, &["--", "sed", ""]].concat())
        .assert()
        .code(1)
        .stdout(contains("1 fail").and(contains("1 check failed before, as many as --max-fail allows")));
}

#[test]
fn completions_and_manual_pages_name_the_subcommands() {
    for shell in ["bash", "zsh", "fish"] {
        echospec(&["completions", shell]).assert().success().stdout(contains("compare"));
    }
    let place = tempfile::tempdir().unwrap();
    echospec(&["man", place.path().to_str().unwrap()]).assert().success();
    let page = fs::read_to_string(place.path().join("echospec-check.1")).unwrap();
    assert!(page.contains("fail\\-fast"), "{page}");
    echospec(&["man", "/no/such/directory"]).assert().code(3).stderr(contains("cannot write manual pages"));
}
