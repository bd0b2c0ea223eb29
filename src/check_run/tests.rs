use super::*;
use crate::outcome::Outcome;

fn cat() -> CheckRun {
    check(Transport::PIPE, ["cat"])
}

fn ids(run: &CheckRun) -> Vec<&'static str> {
    run.plan().map(|planned| planned.checks.iter().map(|check| check.id).collect()).unwrap()
}

#[test]
fn globs_levels_and_quick_select_checks() {
    let all = ids(&cat());
    assert!(ids(&cat().only("echo/*")).iter().all(|id| id.starts_with("echo/")));
    assert!(!ids(&cat().skip("echo/*")).iter().any(|id| id.starts_with("echo/")));
    assert!(ids(&cat().level(Level::Must)).len() < all.len());
    assert!(ids(&cat().quick()).len() < all.len());
}

#[test]
fn errors_say_what_to_do() {
    let error = |run: CheckRun| run.run().unwrap_err().to_string();
    assert_eq!(error(cat().only("echo")), "no check matches 'echo'; did you mean 'echo/*'?");
    assert!(error(cat().only("a[")).contains("'a[' is no glob"));
    assert!(error(cat().only("port/*")).contains("none applies to pipe servers"));
    assert!(error(check(Transport::TCP, ["cat"])).contains("{addr}"));
    assert!(error(check(Transport::PIPE, ["./no-such-program"])).contains("no such program"));
}

#[test]
fn the_failure_text_is_the_report() {
    let results = check(Transport::PIPE, ["true"]).only("echo/one-byte").seed(7).run().unwrap();
    assert!(!results.is_ok());
    let text = results.to_string();
    for part in ["pipe  true  1 check, seed 7", "fail", "expected", "actual", "--seed 7 -- true"] {
        assert!(text.contains(part), "{part} is missing in:\n{text}");
    }
    assert!(!text.contains('\u{1b}'));
}

#[test]
fn an_expected_failure_is_ok() {
    let known = Expectation {
        check: "echo/one-byte".into(),
        outcome: Outcome::Fail,
        reason: "it echoes nothing".into(),
        message: None,
    };
    let run = check(Transport::PIPE, ["true"]).only("echo/one-byte");
    let outcome = run.run().unwrap().checks()[0].outcome;
    let results = run.expect(Expectation { outcome, ..known }).run().unwrap();
    assert!(results.is_ok(), "{results}");
}
