//! Checks that leave a server on standard input and output as it was use the same one.

use std::fs;

use echospec::checks::all_checks;
use echospec::outcome::Outcome;
use echospec::protocol::Protocol;
use echospec::runner::{CheckResult, RunOptions, run_checks};
use echospec::server::{Spec, Start};
use echospec::transport::Transport;
use testing as _;

/// Answers `$1` lines, each with itself, and writes a line to the file `$0` when it starts.
const SERVER: &str = r#"
    echo >> "$0"
    lines=0
    while IFS= read -r line; do
        [ $((lines += 1)) -le "$1" ] || exit 0
        printf '%s\n' "$line"
    done"#;

/// Sends about ten lines.
const ANY_ID: &str = "stdio/any-id";
/// Sends about ten lines. In one run it comes after the other.
const CUT_CHARACTERS: &str = "stdio/cut-characters";

/// Runs the checks with these `ids` on servers that answer this number of `lines`. Returns the results, in the order of
/// `ids`, and how often the server was started.
fn check(ids: &[&str], lines: u32) -> (Vec<CheckResult>, usize) {
    let folder = tempfile::tempdir().unwrap();
    let starts = folder.path().join("starts");
    let words = ["sh", "-c", SERVER, starts.to_str().unwrap(), &lines.to_string()].map(str::to_owned);
    let spec = Spec::new(Transport::PIPE, Start::Bind, words).unwrap();
    let spec = spec.speaking(Protocol::built_in("jsonl").unwrap()).unwrap();
    let chosen = |id: &&str| all_checks().find(|check| check.id == *id).unwrap();
    let chosen: Vec<_> = ids.iter().map(chosen).collect();
    let results = run_checks(&spec, &chosen, &RunOptions::default(), |_| ()).unwrap();
    (results, fs::read_to_string(starts).unwrap().lines().count())
}

fn outcomes(results: &[CheckResult]) -> Vec<Outcome> {
    results.iter().map(|result| result.outcome).collect()
}

#[test]
fn one_server_serves_several_checks() {
    let (results, of_one) = check(&[ANY_ID], 1000);
    assert_eq!(outcomes(&results), [Outcome::Pass], "{results:#?}");
    let (results, of_three) = check(&[ANY_ID, CUT_CHARACTERS, "stdio/survives-bad-messages"], 1000);
    assert_eq!(outcomes(&results), [Outcome::Pass; 3], "{results:#?}");
    assert_eq!(of_three, of_one);
}

#[test]
fn fault_that_shows_only_after_another_check_counts() {
    let (results, starts) = check(&[ANY_ID, CUT_CHARACTERS], 14);
    assert_eq!(outcomes(&results), [Outcome::Pass, Outcome::Fail], "{results:#?}");
    let reason = "the server had served stdio/any-id before; one that was started for this check passed";
    assert!(results[1].reason.ends_with(reason), "{results:#?}");
    let steps: Vec<_> = results[1].timeline.first.iter().map(|step| step.action.to_string()).collect();
    assert_eq!(steps[0], "goes on with the conversation of another check", "{steps:#?}");
    let (_, of_one) = check(&[ANY_ID], 14);
    assert_eq!(starts, of_one + 1);
}

#[test]
fn fault_that_shows_at_once_is_one_of_a_server_of_its_own() {
    let (results, _) = check(&["reply/byte-by-byte", ANY_ID], 8);
    assert_eq!(outcomes(&results), [Outcome::Pass, Outcome::Fail], "{results:#?}");
    assert!(!results[1].reason.contains("had served"), "{results:#?}");
}
