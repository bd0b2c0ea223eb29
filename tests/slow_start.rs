//! A launch during a check that ends by the deadline is the server's fault only where the server usually starts in time.

use echospec::checks::all_checks;
use echospec::deadline::Deadlines;
use echospec::outcome::Outcome;
use echospec::runner::{CheckResult, RunOptions, run_checks};
use echospec::server::{LaunchOptions, Spec, Start};
use echospec::transport::Transport;
use testing as _;

/// Runs one check on a server that `script` starts with `exec "$0" "$1"`. The script can make files in `$2`.
fn check(id: &str, script: &str) -> CheckResult {
    let folder = tempfile::tempdir().unwrap();
    let server = env!("CARGO_BIN_EXE_echo-tcp");
    let words = ["sh", "-c", script, server, "{addr}", folder.path().to_str().unwrap()];
    let spec = Spec::new(Transport::named("tcp").unwrap(), Start::Bind, words).unwrap();
    let chosen: Vec<_> = all_checks().filter(|check| check.id == id).collect();
    let deadlines = Deadlines::scaled(0.5);
    let options = RunOptions {
        launch: LaunchOptions { deadlines, ..LaunchOptions::default() },
        ..RunOptions::default()
    };
    run_checks(&spec, &chosen, &options, |_| ()).unwrap().remove(0)
}

/// Lets the rehearsal and the check's own server start, and no later one.
const STARTS_TWICE: &str = r#"
    echo >> "$2/starts"
    [ $(wc -l < "$2/starts") -le 2 ] || exec sleep 600
    exec "$0" "$1""#;

#[test]
fn server_that_hangs_without_cause_is_not_judged() {
    let result = check("life/ends-on-sigterm", STARTS_TWICE);
    assert_eq!(result.outcome, Outcome::Broken, "{result:#?}");
    assert!(result.actual.contains("nothing listens on"), "{result:#?}");
}

#[test]
fn server_that_starts_no_more_at_all_is_not_judged_by_a_condition() {
    let result = check("life/sigchld-ignored", STARTS_TWICE);
    assert_eq!(result.outcome, Outcome::Broken, "{result:#?}");
    assert!(result.reason.contains("nor without that"), "{result:#?}");
}

#[test]
fn server_that_hangs_under_a_condition_is_blamed() {
    let result = check("life/closed-stdio", r#"[ -p /dev/stdin ] || exec sleep 600; exec "$0" "$1""#);
    assert_eq!(result.outcome, Outcome::Warn, "{result:#?}");
    assert!(result.actual.contains("nothing listens on"), "{result:#?}");
}

#[test]
fn server_that_cannot_run_twice_is_not_judged() {
    let script = r#"
        if [ -e "$2/pid" ] && kill -0 $(cat "$2/pid"); then exit 1; fi
        echo $$ > "$2/pid"
        exec "$0" "$1""#;
    let result = check("life/sigchld-ignored", script);
    assert_eq!(result.outcome, Outcome::Unsupported, "{result:#?}");
}
