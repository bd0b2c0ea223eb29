//! JUnit XML, which CI systems show in their test tab. A test suite is a run, a test case is a check.
//!
//! JUnit has no warnings: a SHOULD that is not met is a test that passed, with the finding in its output.

use std::io::{self, Write};
use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestRerun, TestSuite, XmlString};

use super::Format;
use super::record::{CheckFinished, RunRecord};
use crate::outcome::Outcome;

pub const FORMAT: Format =
    Format { name: "junit", summary: "JUnit XML, for the test tab of a CI system", render };

fn render(runs: &[RunRecord], out: &mut dyn Write) -> io::Result<()> {
    let mut report = Report::new("echospec");
    report.set_time(Duration::from_secs_f64(runs.iter().map(RunRecord::seconds).sum()));
    report.add_test_suites(runs.iter().map(suite));
    report.serialize(out).map_err(io::Error::other)
}

fn suite(run: &RunRecord) -> TestSuite {
    let mut suite = TestSuite::new(run.title());
    suite.set_time(Duration::from_secs_f64(run.seconds()));
    let server = &run.started.server;
    suite.add_properties([
        ("command", server.command.as_str()),
        ("transport", &server.transport),
        ("protocol", &server.protocol),
        ("seed", &run.started.seed.to_string()),
        ("system", &run.started.system),
    ]);
    suite.add_properties(server.differences().iter().map(|difference| ("warning", difference.as_str())));
    if let Some(error) = run.launch_error() {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
        status.set_message(error).set_type("not launched");
        let mut case = TestCase::new("launch", status);
        case.set_classname(run.title()).set_time(Duration::from_secs_f64(run.seconds()));
        suite.add_test_case(case);
    }
    suite.add_test_cases(run.checks.iter().map(|check| case(run, check)));
    suite
}

fn case(run: &RunRecord, check: &CheckFinished) -> TestCase {
    let mut case = TestCase::new(check.check.as_str(), status(check));
    case.set_classname(run.title()).set_time(Duration::from_secs_f64(check.took_millis / 1000.0));
    if matches!(check.outcome, Outcome::Warn | Outcome::Info) {
        case.set_system_out(check.explanation());
    }
    if !check.server_output.is_empty() {
        case.set_system_err(check.server_output.join("\n"));
    }
    case
}

fn status(check: &CheckFinished) -> TestCaseStatus {
    let non_success = |kind| {
        let mut status = TestCaseStatus::non_success(kind);
        status.set_message(check.headline()).set_type(check.outcome.word());
        status.set_description(check.explanation());
        status
    };
    match check.outcome {
        Outcome::Pass | Outcome::Warn | Outcome::Info => TestCaseStatus::success(),
        Outcome::Broken => non_success(NonSuccessKind::Error),
        Outcome::Fail | Outcome::Timeout | Outcome::Crash | Outcome::Leak | Outcome::Xpass => {
            non_success(NonSuccessKind::Failure)
        }
        Outcome::Skipped | Outcome::Unsupported | Outcome::Xfail => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(format!("{}: {}", check.outcome, check.headline()));
            status.set_type(check.outcome.word());
            status
        }
        Outcome::Flaky => {
            let mut first = TestRerun::new(NonSuccessKind::Failure);
            first.set_message(check.headline()).set_type(check.outcome.word());
            first.set_description(XmlString::new(check.explanation()));
            let mut status = TestCaseStatus::success();
            status.add_rerun(first);
            status
        }
    }
}
