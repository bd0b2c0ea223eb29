//! Every bundled server against every check that applies. Each program in `src/bin` is a case.

use std::fs;
use std::path::PathBuf;

use echospec::checks::all_checks;
use echospec::outcome::Outcome;
use echospec::runner::{self, CheckResult, RunOptions};
use echospec::server::bundled_specs;
use echospec::sys::check_descriptor_limit;
use rstest::rstest;

const DESCRIPTOR_LIMIT: &str = "load/high-descriptor-limit";

#[rstest]
fn bundled_server_passes_every_check_that_applies(
    #[files("src/bin/echo-*.rs")]
    #[files("src/bin/echo-*/main.rs")]
    #[files("src/bin/echo-*/echo-*.rs")]
    source: PathBuf,
) {
    let text = fs::read_to_string(&source).unwrap();
    let plans = bundled_specs(&text).unwrap();
    let is_excused = ["//! echospec demo ", "//! Not checked: "].iter().any(|words| text.contains(words));
    assert!(!plans.is_empty() || is_excused, "{} does not say how it is checked", source.display());
    let can_raise_limit = check_descriptor_limit(1 << 20).is_ok();
    for spec in plans {
        let apply: Vec<_> = all_checks().filter(|check| check.applies_to(spec.capabilities())).collect();
        let reports = runner::run_checks(&spec, &apply, &RunOptions::default(), |_| ()).unwrap();
        assert_eq!(reports.len(), apply.len());
        let unsupported = |report: &CheckResult| report.outcome == Outcome::Unsupported;
        let (unsupported, judged): (Vec<_>, Vec<_>) = reports.into_iter().partition(unsupported);
        for report in judged {
            let known = format!("//! Deviates: {}: ", report.check.id);
            let deviates = text.lines().any(|line| line.starts_with(&known));
            let passes = matches!(report.outcome, Outcome::Pass | Outcome::Info)
                || deviates && report.outcome == Outcome::Warn;
            assert!(passes, "{}: {report:#?}", spec.command_line());
        }
        // Without an expectation, the server does not offer what the check is about: this machine lacks nothing.
        let lacking = unsupported.into_iter().filter(|report| !report.expected.is_empty());
        // Some containers take CAP_SYS_RESOURCE away from root: nothing that a test can ask for brings it back.
        let lacking = lacking.filter(|report| report.check.id != DESCRIPTOR_LIMIT || can_raise_limit);
        for CheckResult { check, actual, .. } in lacking {
            testing::skip(format!("{} of {}: {actual}", check.id, spec.command_line()));
        }
    }
}
