//! What a comparison says of the machine it ran on, and of the system calls that a message costs.

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

/// What one short round found.
fn found(arguments: &[&str]) -> Value {
    let short =
        ["compare", "--placement", "free", "--sizes", "64", "--rounds", "1", "--time", "1", "--json", "-"];
    let output = echospec(&short).args(arguments).assert().success().get_output().stdout.clone();
    serde_json::from_slice(&output).unwrap()
}

fn facts(comparison: &Value) -> &Vec<Value> {
    comparison["machine"]["facts"].as_array().unwrap()
}

#[test]
fn the_machine_is_always_recorded_and_shown_on_request() {
    let place = TempDir::new().unwrap();
    let saved = place.path().join("run.json");
    let saved = saved.to_str().unwrap();
    let run = ["compare", "pipe", "--measures", "round-trip", "--placement", "free", "--sizes", "64"];
    echospec(&run).args(["--rounds", "1", "--time", "1", "--json", saved]).assert().success();
    let shown = || contains("\nThe machine").and(contains("load average before"));
    echospec(&["compare", "--from", saved]).assert().success().stdout(shown().not());
    echospec(&["compare", "--from", saved, "--machine"]).assert().success().stdout(shown());
    let comparison: Value = serde_json::from_str(&std::fs::read_to_string(saved).unwrap()).unwrap();
    for fact in facts(&comparison) {
        let text = |key: &str| fact[key].as_str().unwrap_or_default();
        assert!(text("value").is_empty() != fact["absent"].is_null() && !text("source").is_empty(), "{fact}");
    }
}

#[test]
fn what_makes_figures_doubtful_is_warned_of_in_the_doctors_words() {
    if !cfg!(debug_assertions) {
        return skipped::because("this is an optimised build");
    }
    let comparison = found(&["pipe", "--measures", "round-trip"]);
    let warnings = comparison["warnings"].as_array().unwrap();
    let warning = warnings.iter().find(|warning| warning["says"] == "this is a debug build").unwrap();
    assert!(warning["cause"].as_str().unwrap().ends_with(requirement::OPTIMISED.without), "{warning}");
    assert_eq!(warning["mend"], requirement::OPTIMISED.mend);
    let doctor = contains("limited  optimised build: this is a debug build")
        .and(contains(requirement::OPTIMISED.mend));
    echospec(&["doctor"]).assert().success().stdout(doctor);
}

/// A pipe costs each side a write and a read. One call more is the client's own memory; one more or less is the server's
/// next read. A busy machine may leave time for few messages, so that these show.
#[test]
fn a_message_costs_the_system_calls_that_it_takes() {
    let comparison = found(&["pipe", "--measures", "round-trip"]);
    let cost = &comparison["cells"][0]["cost"];
    if let Err(why) = SystemCallCounter::check_permission() {
        skipped::because(why);
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
