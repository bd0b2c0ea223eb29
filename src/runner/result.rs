//! The result of one check, and a summary of many.

use std::fmt;
use std::time::Duration;

use super::{Expectation, Timeline};
use crate::check::Finding;
use crate::checks::Check;
use crate::outcome::Outcome;
use crate::server::Leak;

/// The result of one check.
#[derive(Debug, Clone)]
pub struct CheckResult {
    /// The check that the result belongs to.
    pub check: &'static Check,
    /// The outcome of the check.
    pub outcome: Outcome,
    /// The behaviour that the check expected; empty after a pass.
    pub expected: String,
    /// The behaviour that the check observed; empty after a pass.
    pub actual: String,
    /// The likely cause of the failure, if there is evidence for one.
    pub reason: String,
    /// The harm that the server's fault does, if it differs from the harm that the check guards against.
    pub(crate) own_why: Option<&'static str>,
    /// The checks that the server must serve before, so that its fault shows.
    pub(crate) after: Vec<&'static str>,
    /// The last lines that the server printed, if the check did not pass.
    pub server_output: Vec<String>,
    /// The steps of clients and server. Empty if the check passed, unless the run keeps all timelines.
    pub timeline: Timeline,
    /// The time that the check took to run.
    pub took: Duration,
    /// The number of runs of a check that was to run more than once.
    pub repeated: Option<Repeated>,
}

/// The harm that a server does whose fault shows only after other requests.
const ONLY_AFTER: &str = "a client stays connected for hours; a server that answers only its first requests as it should fails in the middle of the work";

/// The number of runs of one check, and how many of them passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
pub struct Repeated {
    /// The number of runs of a check.
    pub runs: usize,
    /// The number of runs of a check that passed.
    pub passed: usize,
}

impl fmt::Display for Repeated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "passed in {} of {} runs", self.passed, self.runs)
    }
}

/// The number of checks of a run that ended in each way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
pub struct Summary {
    /// The number of all checks of the run, including those that were not run.
    pub total: usize,
    /// The number of checks that passed, or failed as expected.
    pub pass: usize,
    /// The number of checks that failed: fail, timeout, crash, leak, xpass.
    pub fail: usize,
    /// The number of warnings: SHOULD checks that are not met, and flaky checks.
    pub warn: usize,
    /// The number of checks that found a limit of the server that is worth knowing.
    pub info: usize,
    /// The number of checks that were not run: skipped or unsupported.
    pub skipped: usize,
    /// The number of checks without a decision, because the harness could not do its work.
    pub broken: usize,
}

impl Summary {
    /// Counts how many of `results` are passes, failures, warnings and so on.
    #[must_use]
    pub fn of(results: &[CheckResult]) -> Summary {
        Summary::count(results.iter().map(|result| result.outcome))
    }

    /// Counts how many of `outcomes` are passes, failures, warnings and so on.
    pub(crate) fn count(outcomes: impl IntoIterator<Item = Outcome>) -> Summary {
        let mut summary = Summary::default();
        for outcome in outcomes {
            summary.total += 1;
            *summary.counter(outcome) += 1;
        }
        summary
    }

    fn counter(&mut self, outcome: Outcome) -> &mut usize {
        match outcome {
            Outcome::Pass | Outcome::Xfail => &mut self.pass,
            Outcome::Warn | Outcome::Flaky => &mut self.warn,
            Outcome::Info => &mut self.info,
            Outcome::Skipped | Outcome::Unsupported => &mut self.skipped,
            Outcome::Broken => &mut self.broken,
            Outcome::Fail | Outcome::Timeout | Outcome::Crash | Outcome::Leak | Outcome::Xpass => {
                &mut self.fail
            }
        }
    }
}

impl CheckResult {
    pub(super) fn pass(check: &'static Check) -> CheckResult {
        CheckResult {
            check,
            outcome: Outcome::Pass,
            expected: String::new(),
            actual: String::new(),
            reason: String::new(),
            own_why: None,
            after: Vec::new(),
            server_output: Vec::new(),
            timeline: Timeline::default(),
            took: Duration::ZERO,
            repeated: None,
        }
    }

    /// Returns the result of `check` if it is `finding`.
    pub(super) fn of(check: &'static Check, finding: Finding) -> CheckResult {
        let mut result = CheckResult::pass(check);
        result.set_finding(finding);
        result
    }

    /// Says that the result shows only once the server has served the checks `after`.
    pub(super) fn only_after(self, after: Vec<&'static str>) -> CheckResult {
        let before = if self.reason.is_empty() { "" } else { "\n" };
        let served = after.join(", ");
        let reason = format!(
            "{}{before}the server had served {served} before; one that was started for this check passed",
            self.reason
        );
        CheckResult { reason, after, own_why: Some(ONLY_AFTER), ..self }
    }

    /// Returns the harm that the server's fault does, or, after a pass, the harm that the check guards against.
    #[must_use]
    pub fn why(&self) -> &'static str {
        self.own_why.unwrap_or(self.check.why)
    }

    /// Stores `finding` in the result. If the check is no MUST, timeouts, crashes and leaks become weaker outcomes, and
    /// their names go into the reason.
    pub(super) fn set_finding(&mut self, finding: Finding) {
        self.outcome = finding.outcome.at_level(self.check.level);
        self.expected = finding.expected;
        self.actual = finding.actual;
        self.reason = finding.reason;
        self.own_why = finding.why;
        if matches!(finding.outcome, Outcome::Timeout | Outcome::Crash | Outcome::Leak)
            && self.outcome != finding.outcome
        {
            let colon = if self.reason.is_empty() { "" } else { ": " };
            self.reason = format!("{}{colon}{}", finding.outcome, self.reason);
        }
    }

    /// Turns a pass into a leak, if `leaks` holds anything that the server does not usually leave behind.
    pub(super) fn set_leaks(&mut self, leaks: Vec<Leak>, is_usual: impl Fn(&str) -> bool) {
        let new = leaks.into_iter().filter(|leak| !is_usual(leak.kind));
        let new: Vec<_> = new.map(|leak| leak.name).collect();
        if !new.is_empty() {
            let reason = "the server leaves nothing of the kind after an ordinary client";
            self.set_finding(
                Finding::leak("nothing left once SIGTERM has ended the server", &new).because(reason),
            );
        }
    }

    /// Marks a failure as flaky: the check passed at retry number `retry`.
    pub(super) fn set_flaky(&mut self, retry: usize) {
        self.reason = format!("{} at first, and passed at retry {retry}; {}", self.outcome, self.reason);
        self.outcome = Outcome::Flaky;
    }

    /// Turns an expected failure into an xfail, and a pass where a failure is expected into an xpass.
    pub(super) fn apply_expectation(&mut self, expectations: &[Expectation]) {
        let Some(known) = expectations.iter().find(|known| known.check == self.check.id) else { return };
        let says = |text: &String| self.actual.contains(text) || self.reason.contains(text);
        if self.outcome == Outcome::Pass {
            self.outcome = Outcome::Xpass;
            self.expected = format!("{}, as on record: {}", known.outcome, known.reason);
            self.actual = "it passes".into();
            self.reason = "take the entry out of the expectations file".into();
        } else if self.outcome == known.outcome && known.message.as_ref().is_none_or(says) {
            self.outcome = Outcome::Xfail;
            self.reason = format!("expected: {}", known.reason);
        }
    }
}
