//! Tests of the machine facts that a comparison records, and of system calls per message.

use assert_cmd::Command;
use echospec::requirement;
use echospec::sys::SystemCallCounter;
use predicates::prelude::PredicateBooleanExt;
use predicates::str::contains;
use serde_json::Value;
use tempfile::TempDir;

fn echospec(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_echospec"));
    command.args(arguments);
    command
}

/// Runs one short round, and returns its JSON.
fn run_short(arguments: &[&str]) -> Value {
    let short =
        ["compare", "--placement", "free", "--sizes", "64", "--rounds", "1", "--time", "1", "--json", "-"];
    let output = echospec(&short).args(arguments).assert().success().get_output().stdout.clone();
    serde_json::from_slice(&output).unwrap()
}

fn facts(comparison: &Value) -> &Vec<Value> {
    comparison["machine"]["facts"].as_array().unwrap()
}

#[test]
fn machine_is_recorded_and_shown_on_request() {
    let place = TempDir::new().unwrap();
    let saved = place.path().join("run.json");
    let saved = saved.to_str().unwrap();
    let run = ["compare", "pipe", "--measures", "round-trip", "--placement", "free", "--sizes", "64"];
    echospec(&run).args(["--rounds", "1", "--time", "1", "--json", saved]).assert().success();
    let shown = || contains("\nMachine").and(contains("load average before"));
    echospec(&["compare", "--from", saved]).assert().success().stdout(shown().not());
    echospec(&["compare", "--from", saved, "--machine"]).assert().success().stdout(shown());
    let comparison: Value = serde_json::from_str(&std::fs::read_to_string(saved).unwrap()).unwrap();
    for fact in facts(&comparison) {
        let text = |key: &str| fact[key].as_str().unwrap_or_default();
        assert!(text("value").is_empty() != fact["absent"].is_null() && !text("source").is_empty(), "{fact}");
    }
}

#[test]
fn warns_of_a_debug_build_as_the_doctor_does() {
    if !cfg!(debug_assertions) {
        return testing::skip("this is an optimised build");
    }
    let comparison = run_short(&["pipe", "--measures", "round-trip"]);
    let warnings = comparison["warnings"].as_array().unwrap();
    let warning = warnings.iter().find(|warning| warning["says"] == "this is a debug build").unwrap();
    assert!(warning["cause"].as_str().unwrap().ends_with(requirement::OPTIMISED_BUILD.affects), "{warning}");
    assert_eq!(warning["mend"], requirement::OPTIMISED_BUILD.help);
    let doctor = contains("limited  optimised build: this is a debug build")
        .and(contains(requirement::OPTIMISED_BUILD.help));
    echospec(&["doctor"]).assert().success().stdout(doctor);
}

/// Each side calls write(2) and read(2) once for a message. The client may make another call to allocate memory, and the
/// server's next read may count or not. If a busy machine leaves time for only a few messages, these show.
#[test]
fn counts_the_system_calls_of_a_message() {
    let comparison = run_short(&["pipe", "--measures", "round-trip"]);
    let cost = &comparison["cells"][0]["cost"];
    if let Err(why) = SystemCallCounter::check_permission() {
        testing::skip(why);
        assert!(cost["client_calls"].is_null() && cost["server_calls"].is_null(), "{cost}");
        let fact = facts(&comparison).iter().find(|fact| fact["name"] == "system calls").unwrap();
        assert!(!fact["absent"].is_null(), "{fact}");
        return;
    }
    let [client, server] = ["client_calls", "server_calls"].map(|side| cost[side].as_f64().unwrap());
    assert!((2.0..=3.0).contains(&client) && (1.0..=3.0).contains(&server), "{client} and {server}");
    for cell in comparison["cells"].as_array().unwrap() {
        assert!(cell["rounds"][0]["cost"]["client_calls"].is_null(), "counted while it was timed: {cell}");
    }
}
