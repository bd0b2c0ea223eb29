//! The results of a run, and their text.

use std::fmt;
use std::time::Duration;

use crate::outcome::Outcome;
use crate::report::record::{CheckFinished, ServerRecord};
use crate::report::{Heading, TextReport};
use crate::runner::{CheckResult, Summary};

/// The results of a run of checks. Displays as the report that `echospec check` prints, without the lines of passed
/// checks.
#[derive(Debug, Clone)]
pub struct Results {
    pub(super) heading: Heading,
    pub(super) results: Vec<CheckResult>,
    pub(super) took: Duration,
    pub(super) interrupted: bool,
}

impl Results {
    /// Returns the time that the run of checks took.
    #[cfg(feature = "cli")]
    pub(crate) fn took(&self) -> Duration {
        self.took
    }

    /// Returns the result of each check, in the order of `echospec list`.
    #[must_use]
    pub fn checks(&self) -> &[CheckResult] {
        &self.results
    }

    /// Returns how many checks ended with each outcome.
    #[must_use]
    pub fn summary(&self) -> Summary {
        Summary::of(&self.results)
    }

    /// Whether the run of checks was interrupted, so that some checks are missing.
    #[must_use]
    pub fn is_interrupted(&self) -> bool {
        self.interrupted
    }

    /// Whether all checks of a run ran and none failed: `echospec check` would exit with 0. A check that the server's
    /// or the system's mechanism does not support counts as ok, and so does a SHOULD that is not met.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        let is_undecided =
            |result: &CheckResult| matches!(result.outcome, Outcome::Broken | Outcome::Skipped);
        !self.interrupted && self.summary().fail == 0 && !self.results.iter().any(is_undecided)
    }
}

impl fmt::Display for Results {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (report, server) = (TextReport::plain(), ServerRecord::of(&self.heading.spec));
        let record = |result| CheckFinished::of(result, &self.heading, 0.0);
        let checks: Vec<_> = self.results.iter().map(record).collect();
        let mut text = Vec::new();
        let written = report
            .write_heading(&mut text, &server, self.heading.seed, checks.len())
            .and_then(|()| report.write_explanations(&mut text, &checks))
            .and_then(|()| report.write_total(&mut text, self.summary(), self.took));
        written.map_err(|_| fmt::Error)?;
        f.write_str(String::from_utf8_lossy(&text).trim_end())?;
        if self.interrupted { f.write_str("\ninterrupted: the other checks were not run") } else { Ok(()) }
    }
}
