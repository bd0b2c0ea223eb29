//! How strongly a check binds a server, and how it can end.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How strongly a check binds a server, in the words of RFC 2119.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Nice to know: a limit, a habit.
    May,
    /// Good practice; there can be reasons to do otherwise.
    Should,
    /// Demanded by a standard or by the mechanism's own manual page.
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

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// The server does as the sentence says.
    Pass,
    /// It does not, and it must.
    Fail,
    /// It does not, and it should.
    Warn,
    /// Worth knowing; nobody demands otherwise.
    Info,
    /// Not run, or not asked, for the reason given.
    Skipped,
    /// This system, or this server, has no such thing.
    Unsupported,
    /// Nothing moved for as long as the harness waits.
    Timeout,
    /// The server ended in the middle of the check.
    Crash,
    /// Something was left behind.
    Leak,
    /// The harness could not bring about what the check needs. Says nothing about the server.
    Broken,
    /// Failed, then passed when tried again.
    Flaky,
    /// Failed as the expectations file says it does.
    Xfail,
    /// Passed although the expectations file says it fails.
    Xpass,
}

impl Outcome {
    /// The word for it, as reports and JSON write it.
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

    /// Whether this outcome says that the server is wrong, so that the run as a whole has failed.
    #[must_use]
    pub const fn is_failure(self) -> bool {
        matches!(self, Outcome::Fail | Outcome::Timeout | Outcome::Crash | Outcome::Leak | Outcome::Xpass)
    }

    /// A server that misses a SHOULD is warned; what it MAY do otherwise is only told.
    #[must_use]
    pub const fn at(self, level: Level) -> Outcome {
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
    fn a_should_that_fails_only_warns() {
        assert_eq!(Outcome::Fail.at(Level::Should), Outcome::Warn);
        assert_eq!(Outcome::Crash.at(Level::May), Outcome::Info);
        assert_eq!(Outcome::Broken.at(Level::Should), Outcome::Broken);
    }
}
