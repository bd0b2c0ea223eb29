//! The events of one run, put together.

use super::{CheckFinished, Event, RunEnding, RunFinished, RunStarted, ServerRecord};
use crate::outcome::Outcome;
use crate::runner::Summary;

/// The record of one run of checks against one server.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRecord {
    /// The event with which a recorded run begins.
    pub started: RunStarted,
    /// The results of a recorded run, in the order of `echospec list`.
    pub checks: Vec<CheckFinished>,
    /// The event with which a recorded run ends; `None` if the stream breaks off before.
    pub finished: Option<RunFinished>,
}

impl RunRecord {
    /// Groups the recorded `events` by run. Events before the first beginning of a run are ignored.
    pub fn group(events: impl IntoIterator<Item = Event>) -> Vec<RunRecord> {
        let mut runs: Vec<RunRecord> = Vec::new();
        for event in events {
            match (event, runs.last_mut()) {
                (Event::RunStarted(started), _) => {
                    runs.push(RunRecord { started, checks: Vec::new(), finished: None });
                }
                (Event::CheckFinished(check), Some(run)) => run.checks.push(*check),
                (Event::RunFinished(finished), Some(run)) => run.finished = Some(finished),
                _ => (),
            }
        }
        for run in &mut runs {
            let order = run.started.checks.clone();
            run.checks.sort_by_key(|check| order.iter().position(|id| *id == check.check));
        }
        runs
    }

    /// Returns the name of a recorded run's server: from the configuration file, or else its command.
    pub fn title(&self) -> &str {
        self.started.server.title()
    }

    /// Returns the duration of a recorded run in seconds: until its end, or until the last event of a broken stream.
    pub fn seconds(&self) -> f64 {
        let last = self.checks.iter().map(|check| check.at_millis).fold(0.0, f64::max);
        self.finished.as_ref().map_or(last, |finished| finished.at_millis) / 1000.0
    }

    /// Returns how many checks of a recorded run ended with each outcome.
    pub fn summary(&self) -> Summary {
        Summary::count(self.checks.iter().map(|check| check.outcome))
    }

    /// Returns the result of a recorded run in a few words.
    pub fn verdict(&self) -> String {
        let Some(finished) = &self.finished else { return "broke off".into() };
        let Summary { fail, broken, .. } = self.summary();
        match (finished.ending, &finished.error) {
            (RunEnding::NotLaunched, Some(error)) => format!("not launched: {error}"),
            (RunEnding::NotLaunched, None) => "not launched".into(),
            (RunEnding::Interrupted, _) => "interrupted".into(),
            (RunEnding::Complete, _) if fail > 0 => format!("{fail} failed"),
            (RunEnding::Complete, _) if broken > 0 => format!("{broken} broken (harness)"),
            (RunEnding::Complete, _) => "ok".into(),
        }
    }

    /// Returns the reason why the server of a recorded run could not be launched.
    pub fn launch_error(&self) -> Option<&str> {
        self.finished.as_ref().and_then(|finished| finished.error.as_deref())
    }

    /// Whether checks of a recorded run are missing: the user interrupted the run, or its stream breaks off.
    pub fn is_incomplete(&self) -> bool {
        self.finished.as_ref().is_none_or(|finished| finished.ending == RunEnding::Interrupted)
    }

    /// Whether all checks of a recorded run ran, and none failed.
    pub fn is_ok(&self) -> bool {
        let is_undecided =
            |check: &CheckFinished| matches!(check.outcome, Outcome::Broken | Outcome::Skipped);
        self.launch_error().is_none()
            && !self.is_incomplete()
            && self.summary().fail == 0
            && !self.checks.iter().any(is_undecided)
    }

    /// Returns the checks of a recorded run that ran and did not pass.
    pub fn findings(&self) -> impl Iterator<Item = &CheckFinished> {
        self.checks.iter().filter(|check| check.is_finding())
    }
}

impl CheckFinished {
    /// Whether a check ran and did not pass.
    pub fn is_finding(&self) -> bool {
        !matches!(self.outcome, Outcome::Pass | Outcome::Skipped | Outcome::Unsupported)
    }
}

impl ServerRecord {
    /// Returns the differences between the protocol file and the server under test, as the rehearsal found them.
    pub fn differences(&self) -> &[String] {
        self.rehearsal.as_ref().map_or(&[], |rehearsal| &rehearsal.differences)
    }

    /// Returns the name of a recorded server from the configuration file, or else its command.
    pub fn title(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.command)
    }
}
