//! The words in which reports explain a result.

use super::CheckFinished;
use crate::outcome::Outcome;

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
