//! The words in which reports explain a result.

use super::CheckFinished;
use crate::outcome::Outcome;

/// Checks that were not run for the same reason.
#[derive(Debug)]
#[cfg_attr(feature = "cli", derive(serde::Serialize))]
pub(crate) struct NotRun<'a> {
    /// The outcome of checks that were not run: skipped, or unsupported.
    pub outcome: Outcome,
    /// The reason why checks were not run.
    pub reason: &'a str,
    /// The ids of checks that were not run.
    pub checks: Vec<&'a str>,
}

/// Groups the checks that were not run by the reason, because one cause may keep many checks from running.
pub(crate) fn not_run(checks: &[CheckFinished]) -> Vec<NotRun<'_>> {
    let mut groups: Vec<NotRun<'_>> = Vec::new();
    for CheckFinished { check, outcome, reason, .. } in checks.iter().filter(|it| it.is_not_asked()) {
        match groups.iter_mut().find(|group| group.outcome == *outcome && group.reason == reason) {
            Some(group) => group.checks.push(check),
            None => groups.push(NotRun { outcome: *outcome, reason, checks: vec![check] }),
        }
    }
    groups
}

impl CheckFinished {
    /// Returns the area of a recorded check: the part of the id before the slash.
    #[cfg(feature = "cli")]
    #[must_use]
    pub fn area(&self) -> &str {
        self.check.split_once('/').map_or(&self.check, |(area, _)| area)
    }

    /// Whether a check was not run for a reason that lies outside of the check.
    #[must_use]
    pub fn is_not_asked(&self) -> bool {
        self.outcome == Outcome::Skipped || (self.outcome == Outcome::Unsupported && self.expected.is_empty())
    }

    /// Returns the fields that explain the result of a check and are not empty, each with its name: expected, actual,
    /// cause, why, see, printed, again.
    #[must_use]
    pub fn fields(&self) -> Vec<(&'static str, String)> {
        let mut fields = vec![
            ("expected", self.expected.clone()),
            ("actual", self.actual.clone()),
            ("cause", self.reason.clone()),
        ];
        if self.outcome != Outcome::Unsupported {
            fields.extend([
                ("why", self.why.clone()),
                ("see", self.citations.join(" · ")),
                ("printed", self.server_output.join("\n")),
                ("again", self.again.clone()),
            ]);
        }
        fields.retain(|(_, text)| !text.is_empty());
        fields
    }

    /// Returns the result of a check in one line: the observed and the expected behaviour, or why the check was not
    /// run.
    #[cfg(feature = "cli")]
    #[must_use]
    pub fn headline(&self) -> String {
        let text = match (self.expected.is_empty(), self.actual.is_empty()) {
            (false, false) => format!("expected {}; actual: {}", self.expected, self.actual),
            (true, false) => self.actual.clone(),
            (false, true) => self.expected.clone(),
            (true, true) => self.reason.clone(),
        };
        text.lines().next().unwrap_or_default().to_owned()
    }

    /// Returns the whole explanation of a check's result as lines of plain text.
    #[cfg(feature = "cli")]
    #[must_use]
    pub fn explanation(&self) -> String {
        let mut lines = vec![self.sentence.clone()];
        lines.extend(self.fields().iter().map(|(name, text)| {
            let indented = text.trim_end().replace('\n', "\n          ");
            format!("{name:<9} {indented}")
        }));
        lines.join("\n")
    }
}
