//! The level of a check (MUST, SHOULD or MAY), and the outcome of its run.

use std::fmt;

/// The requirement level of a check: MUST, SHOULD or MAY of RFC 2119.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
pub enum Level {
    /// The check is a MAY: it reports a limit or behaviour worth knowing.
    May,
    /// The check is a SHOULD: its property is recommended. A server may have reasons to do otherwise.
    Should,
    /// The check is a MUST: a standard or the mechanism's own manual page requires its property.
    Must,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Level::May => "may",
            Level::Should => "should",
            Level::Must => "must",
        })
    }
}

/// The way in which a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
pub enum Outcome {
    /// The check passed: the server does what the check's sentence says.
    Pass,
    /// The server does not do what the check's sentence says, and the check is a MUST.
    Fail,
    /// The server does not do what the check's sentence says, and the check is a SHOULD.
    Warn,
    /// The check found a limit or behaviour of the server that is allowed and worth knowing.
    Info,
    /// The check was not run, for the reason given.
    Skipped,
    /// The check cannot run, because this system, or this server, lacks what the check needs.
    Unsupported,
    /// The server made no progress until the deadline of a check.
    Timeout,
    /// The server exited during the check.
    Crash,
    /// The server left objects behind after the check.
    Leak,
    /// The harness could not set up what the check needs. This says nothing about the server.
    Broken,
    /// The check failed, and passed when it was repeated.
    Flaky,
    /// The check failed, as the expectations file says.
    Xfail,
    /// The check passed, although the expectations file says that it fails.
    Xpass,
}

impl Outcome {
    /// Returns the name of a check's outcome in reports and JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Outcome::Pass => "pass",
            Outcome::Fail => "fail",
            Outcome::Warn => "warn",
            Outcome::Info => "info",
            Outcome::Skipped => "skipped",
            Outcome::Unsupported => "unsupported",
            Outcome::Timeout => "timeout",
            Outcome::Crash => "crash",
            Outcome::Leak => "leak",
            Outcome::Broken => "broken",
            Outcome::Flaky => "flaky",
            Outcome::Xfail => "xfail",
            Outcome::Xpass => "xpass",
        }
    }

    /// Reports whether a check's outcome is a failure of the server, which fails the whole run.
    #[must_use]
    pub const fn is_failure(self) -> bool {
        matches!(self, Outcome::Fail | Outcome::Timeout | Outcome::Crash | Outcome::Leak | Outcome::Xpass)
    }

    /// Reports whether the outcome says nothing about the server: the harness or this system lacks something.
    #[must_use]
    pub(crate) const fn was_not_asked(self) -> bool {
        matches!(self, Outcome::Skipped | Outcome::Unsupported | Outcome::Broken)
    }

    /// Returns the outcome that a check at `level` reports: a failed SHOULD is a warning, a failed MAY is information.
    #[must_use]
    pub(crate) const fn at_level(self, level: Level) -> Outcome {
        match level {
            Level::Must => self,
            Level::Should if self.is_failure() => Outcome::Warn,
            Level::May if self.is_failure() => Outcome::Info,
            _ => self,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failed_should_is_a_warning() {
        assert_eq!(Outcome::Fail.at_level(Level::Should), Outcome::Warn);
        assert_eq!(Outcome::Crash.at_level(Level::May), Outcome::Info);
        assert_eq!(Outcome::Broken.at_level(Level::Should), Outcome::Broken);
    }
}
