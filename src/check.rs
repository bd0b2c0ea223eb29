//! The result of one check: nothing, or the finding that explains why it did not pass.

use std::fmt::Display;

use crate::outcome::Outcome;

/// The result of a check, or of one of its steps.
pub type Result<T = ()> = std::result::Result<T, Finding>;

/// Why a check did not pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub outcome: Outcome,
    /// What should have been seen.
    pub expected: String,
    /// What was seen.
    pub actual: String,
    /// The likely cause, where evidence tells; else empty.
    pub reason: String,
    /// What came back is not what was sent: it is the echo itself that is wrong.
    pub of_echo: bool,
}

impl Finding {
    /// The server did `actual` where it should have done `expected`.
    pub fn fail(expected: impl Into<String>, actual: impl Into<String>) -> Finding {
        Finding::new(Outcome::Fail, expected, actual)
    }

    /// Nothing happened for as long as the harness waits.
    pub fn timeout(expected: impl Into<String>, actual: impl Into<String>) -> Finding {
        Finding::new(Outcome::Timeout, expected, actual)
    }

    /// All of `left` is there still, and should not be. A few are named.
    pub fn leak(expected: impl Into<String>, left: &[String]) -> Finding {
        const NAMED: usize = 4;
        let mut names = left[..left.len().min(NAMED)].join(", ");
        if left.len() > NAMED {
            names.push_str(&format!(" and {} more", left.len() - NAMED));
        }
        Finding::new(Outcome::Leak, expected, format!("still there: {names}"))
    }

    /// A limit or habit that nobody forbids, with its figure.
    pub fn info(expected: impl Into<String>, actual: impl Into<String>) -> Finding {
        Finding::new(Outcome::Info, expected, actual)
    }

    /// The harness could not set up what the check needs.
    pub fn broken(needed: impl Into<String>, actual: impl Into<String>) -> Finding {
        Finding::new(Outcome::Broken, needed, actual)
    }

    /// This system has no such thing.
    pub fn unsupported(needed: impl Into<String>, actual: impl Into<String>) -> Finding {
        Finding::new(Outcome::Unsupported, needed, actual)
    }

    /// Not asked, for the reason given.
    #[must_use]
    pub fn skipped(reason: impl AsRef<str>) -> Finding {
        Finding::new(Outcome::Skipped, "", "").because(reason)
    }

    /// The user ended the run.
    #[must_use]
    pub fn interrupted() -> Finding {
        Finding::skipped("interrupted")
    }

    fn new(outcome: Outcome, expected: impl Into<String>, actual: impl Into<String>) -> Finding {
        Finding {
            outcome,
            expected: expected.into(),
            actual: actual.into(),
            reason: String::new(),
            of_echo: false,
        }
    }

    /// Marks it as one about the echo itself. A server that never echoes is found out by this in every check that
    /// begins with an exchange, whatever the check is about.
    #[must_use]
    pub fn about_echo(self) -> Finding {
        Finding { of_echo: true, ..self }
    }

    /// Adds the likely cause.
    #[must_use]
    pub fn because(mut self, reason: impl AsRef<str>) -> Finding {
        let reason = reason.as_ref();
        if !self.reason.is_empty() && !reason.is_empty() {
            self.reason.push_str("; ");
        }
        self.reason.push_str(reason);
        self
    }
}

/// Turns an error into the finding that says what the harness needed and did not get.
pub trait OrFinding<T> {
    /// Turns an error into [`Finding::broken`]: the harness could not set up `needed`.
    ///
    /// # Errors
    ///
    /// The finding, with the error's text.
    fn or_broken(self, needed: impl Into<String>) -> Result<T>;

    /// Turns an error into [`Finding::unsupported`]: this system does not offer `needed`.
    ///
    /// # Errors
    ///
    /// The finding, with the error's text.
    fn or_unsupported(self, needed: impl Into<String>) -> Result<T>;
}

impl<T, E: Display> OrFinding<T> for std::result::Result<T, E> {
    fn or_broken(self, needed: impl Into<String>) -> Result<T> {
        self.map_err(|error| Finding::broken(needed, error.to_string()))
    }

    fn or_unsupported(self, needed: impl Into<String>) -> Result<T> {
        self.map_err(|error| Finding::unsupported(needed, error.to_string()))
    }
}
