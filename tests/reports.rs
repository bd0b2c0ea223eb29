//! Reports of a real run: recorded, rendered, compared and repeated.

use std::fs;
use std::path::Path;

use assert_cmd::Command;
use predicates::prelude::*;
use predicates::str::{contains, starts_with};
use serde_json::Value;

fn echospec(place: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_echospec"));
    command.args(arguments).current_dir(place);
    command
}

/// Checks sed(1), which waits for a newline before it writes, so that one check fails.
const SED: [&str; 6] = ["check", "pipe", "--only", "echo/one-byte", "--only", "echo/empty"];

fn check_sed(place: &Path, options: &[&str]) -> Command {
    let options = [&SED[..], &["--timeout-scale", "0.1"], options, &["--", "sed", ""]].concat();
    echospec(place, &options)
}

#[test]
fn recorded_run_is_rendered_and_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    check_sed(place, &["--events", "run.ndjson", "--report", "junit=direct.xml"]).assert().code(1);

    let events = fs::read_to_string(place.join("run.ndjson")).unwrap();
    let events: Vec<Value> = events.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events[0]["event"], "run-started");
    assert_eq!(events.last().unwrap()["event"], "run-finished");
    let failed = events.iter().find(|event| event["outcome"] == "timeout").expect("a timeout");
    let kinds: Vec<_> = failed["timeline"].as_array().unwrap().iter().map(|step| &step["kind"]).collect();
    for kind in ["launch", "connect", "send", "exit"] {
        assert!(kinds.iter().any(|it| *it == kind), "{kind} is missing in {kinds:?}");
    }

    echospec(place, &["report", "run.ndjson", "--format", "junit", "--output", "later.xml"])
        .assert()
        .success();
    let read = |name: &str| fs::read_to_string(place.join(name)).unwrap();
    assert_eq!(read("direct.xml"), read("later.xml"));
    echospec(place, &["report", "run.ndjson", "run.ndjson", "--format", "markdown"])
        .assert()
        .success()
        .stdout(starts_with("### echospec").and(contains("echo/one-byte")));

    let repeated =
        [&SED[..2], &["--timeout-scale", "0.1", "--failed", "run.ndjson", "--", "sed", ""]].concat();
    echospec(place, &repeated).assert().code(1).stdout(contains("1 check: 1 fail"));
}

#[test]
fn quiet_and_verbose_change_what_is_printed() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    let quiet = check_sed(place, &["--quiet"]).assert().code(1).get_output().stdout.clone();
    let quiet = String::from_utf8(quiet).unwrap();
    assert!(quiet.contains("timeout echo/one-byte") && !quiet.contains("pass  echo/empty"), "{quiet}");
    assert!(!quiet.contains("client 1 connects"), "{quiet}");
    let verbose = contains("  steps ").and(contains("client 1 connects")).and(contains("pass  echo/empty"));
    check_sed(place, &["--verbose"]).assert().code(1).stdout(verbose);
    let quiet = ["check", "pipe", "--only", "echo/one-byte", "--quiet", "--", "cat"];
    echospec(place, &quiet).assert().success().stdout(starts_with("\n1 check: 1 pass in "));
}

#[test]
fn colours_follow_the_option_and_the_environment() {
    let folder = tempfile::tempdir().unwrap();
    let run = |color: &str, variable: (&str, &str)| {
        let words = ["check", "pipe", "--color", color, "--only", "echo/one-byte", "--", "cat"];
        let mut command = echospec(folder.path(), &words);
        command.env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE").env(variable.0, variable.1);
        let output = command.assert().success().get_output().stdout.clone();
        output.contains(&0x1b)
    };
    assert!(run("always", ("NO_COLOR", "1")));
    assert!(!run("never", ("CLICOLOR_FORCE", "1")));
    assert!(run("auto", ("CLICOLOR_FORCE", "1")));
    assert!(!run("auto", ("NO_COLOR", "1")));
}

#[test]
fn repeated_checks_say_how_many_runs_passed() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    let words = ["check", "pipe", "--only", "echo/one-byte", "--repeat", "3", "--json", "-", "--", "cat"];
    let output = echospec(place, &words).assert().success().get_output().clone();
    let run: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(run["checks"][0]["repeated"], serde_json::json!({ "runs": 3, "passed": 3 }));
    assert!(String::from_utf8(output.stderr).unwrap().contains("passed in 3 of 3 runs"));
    let failing = contains("passed in 0 of 2 runs; this was run 1").and(contains("passed in 2 of 2 runs"));
    check_sed(place, &["--repeat", "2"]).assert().code(1).stdout(failing);
}

#[test]
fn page_has_the_charts_of_a_comparison() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/comparison.json"), place.join("c.json"))
        .unwrap();
    check_sed(place, &["--events", "run.ndjson"]).assert().code(1);
    let words = ["report", "run.ndjson", "c.json", "--format", "html", "--output", "page.html"];
    echospec(place, &words).assert().success();
    let page = fs::read_to_string(place.join("page.html")).unwrap();
    assert!(page.contains("Comparison: ") && page.contains("%3Csvg"), "no charts");
    assert!(page.contains("one-byte"), "no finding");
    let refused = contains("c.json is a comparison, which only the format html takes");
    echospec(place, &["report", "c.json"]).assert().code(2).stderr(refused);
}

#[test]
fn diff_fails_for_a_new_failure_only() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    check_sed(place, &["--events", "bad.ndjson"]).assert().code(1);
    let good = fs::read_to_string(place.join("bad.ndjson")).unwrap().replace("\"timeout\"", "\"pass\"");
    fs::write(place.join("good.ndjson"), good).unwrap();
    echospec(place, &["diff", "good.ndjson", "bad.ndjson"])
        .assert()
        .code(1)
        .stdout(contains("newly failing: 1 check").and(contains("pass → timeout")));
    echospec(place, &["diff", "bad.ndjson", "good.ndjson"])
        .assert()
        .success()
        .stdout(contains("newly fixed: 1 check"));
    echospec(place, &["diff", "bad.ndjson", "bad.ndjson"])
        .assert()
        .success()
        .stdout(contains("no difference"));
}

#[test]
fn report_on_standard_output_is_alone_there() {
    let folder = tempfile::tempdir().unwrap();
    check_sed(folder.path(), &["--report", "tap=-"])
        .assert()
        .code(1)
        .stdout(starts_with("TAP version 13\n1..2\n"))
        .stderr(contains("echo/one-byte"));
    check_sed(folder.path(), &["--report", "tap=-", "--json", "-"])
        .assert()
        .code(2)
        .stderr(contains("only one report can be written to standard output"));
}

#[test]
fn mistakes_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    fs::write(place.join("text"), "hello\n").unwrap();
    let cases: [(&[&str], i32, &str); 6] = [
        (&["report", "absent"], 3, "cannot read absent"),
        (&["report", "text"], 3, "line 1: this is no event"),
        (&["report", "."], 3, "not a regular file"),
        (&["report", "text", "--format", "xml"], 2, "junit"),
        (&["check", "pipe", "--report", "xml=x", "--", "cat"], 2, "no format is called 'xml'"),
        (&["check", "pipe", "--report", "junit", "--", "cat"], 2, "expected FORMAT=FILE"),
    ];
    for (arguments, code, hint) in cases {
        echospec(place, arguments).assert().code(code).stdout("").stderr(contains(hint));
    }
}

#[test]
fn server_that_cannot_be_launched_is_in_every_report() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    let command =
        ["check", "tcp", "--events", "run.ndjson", "--report", "junit=r.xml", "--", "./none", "{addr}"];
    echospec(place, &command).assert().code(3);
    assert!(fs::read_to_string(place.join("r.xml")).unwrap().contains("cannot run ./none"));
    echospec(place, &["report", "run.ndjson"]).assert().success().stdout(contains("cannot run ./none"));
}

#[test]
fn schema_is_json() {
    let output = Command::new(env!("CARGO_BIN_EXE_echospec")).arg("schema").output().unwrap();
    let schema: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(schema["oneOf"].is_array(), "{schema}");
}
