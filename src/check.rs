//! The result of a check: `Ok(())`, or a finding that explains why the check did not pass.

use std::fmt::Display;

use crate::outcome::Outcome;

/// The result of a check of a server, or of one of its steps.
pub type Result<T = ()> = std::result::Result<T, Finding>;

/// The reason why a check of a server did not pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The outcome of a check that did not pass, such as a failure or a timeout.
    pub outcome: Outcome,
    /// The behaviour that a check expected of the server; for *broken* and *unsupported*, what the check needed.
    pub expected: String,
    /// The behaviour of the server that a check saw.
    pub actual: String,
    /// The likely cause of a server's failure; empty if there is no evidence of one.
    pub reason: String,
    /// The harm that a server's fault does, if it differs from the harm that the check states.
    pub(crate) why: Option<&'static str>,
    /// Whether a server's echo itself is wrong: the bytes that came back differ from the bytes sent.
    pub(crate) of_echo: bool,
    /// Whether the server was alive when its fault was seen, so that a later exit is not the cause.
    pub(crate) alive: bool,
}

impl Finding {
    /// Returns the finding that the server did `actual` instead of `expected`.
    pub fn fail(expected: impl Into<String>, actual: impl Into<String>) -> Finding {
        Finding::new(Outcome::Fail, expected, actual)
    }

    /// Returns the finding that the server did nothing until the deadline.
    pub fn timeout(expected: impl Into<String>, actual: impl Into<String>) -> Finding {
        Finding::new(Outcome::Timeout, expected, actual)
    }

    /// Returns the finding that objects of the server still exist and should not. It names the first few of `left`.
    pub fn leak(expected: impl Into<String>, left: &[String]) -> Finding {
        const NAMED: usize = 4;
        let mut names = left[..left.len().min(NAMED)].join(", ");
        if left.len() > NAMED {
            names.push_str(&format!(" and {} more", left.len() - NAMED));
        }
        Finding::new(Outcome::Leak, expected, format!("still there: {names}"))
    }

    /// Returns a finding about a limit or behaviour of the server that is allowed and worth knowing.
    pub fn info(expected: impl Into<String>, actual: impl Into<String>) -> Finding {
        Finding::new(Outcome::Info, expected, actual)
    }

    /// Returns the finding that the harness could not set up `needed`. This says nothing about the server.
    pub fn broken(needed: impl Into<String>, actual: impl Into<String>) -> Finding {
        Finding::new(Outcome::Broken, needed, actual)
    }

    /// Returns the finding that this system, or the server under test, does not offer `needed`.
    pub fn unsupported(needed: impl Into<String>, actual: impl Into<String>) -> Finding {
        Finding::new(Outcome::Unsupported, needed, actual)
    }

    /// Returns the finding that a check was not run, for `reason`.
    #[must_use]
    pub fn skipped(reason: impl AsRef<str>) -> Finding {
        Finding::new(Outcome::Skipped, "", "").because(reason)
    }

    /// Returns the finding that the user interrupted the run of checks.
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
            why: None,
            of_echo: false,
            alive: false,
        }
    }

    /// Marks the finding as one about the echo itself: the bytes that came back differ from the bytes sent.
    ///
    /// A server that never echoes fails each check that begins with an exchange. By this mark the runner recognises such
    /// a server, and skips the other checks.
    #[must_use]
    pub(crate) fn about_echo(self) -> Finding {
        Finding { of_echo: true, ..self }
    }

    /// Marks the finding as one about a server that was alive. Its exit afterwards is then not reported as the cause: a
    /// server may end when its client has gone.
    #[must_use]
    pub(crate) fn about_living_server(self) -> Finding {
        Finding { alive: true, ..self }
    }

    /// Sets the harm that the fault found in a server does, for a check that finds several faults.
    #[must_use]
    pub(crate) fn harms(self, why: &'static str) -> Finding {
        Finding { why: Some(why), ..self }
    }

    /// Adds `reason`, the likely cause of the server's behaviour, to a finding.
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

impl Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Finding { outcome, expected, actual, reason, .. } = self;
        write!(f, "{outcome}")?;
        if !expected.is_empty() {
            write!(f, ": expected {expected}; actual: {actual}")?;
        }
        if reason.is_empty() { Ok(()) } else { write!(f, "; {reason}") }
    }
}

impl std::error::Error for Finding {}

/// Turns an error into the finding that says what a check needed and did not get.
#[doc(hidden)]
pub trait OrFinding<T> {
    /// Turns an error into [`Finding::broken`]: the harness could not set up `needed`, which the check needs.
    ///
    /// # Errors
    ///
    /// The finding, with the error's text.
    fn or_broken(self, needed: impl Into<String>) -> Result<T>;

    /// Turns an error into [`Finding::unsupported`]: this system does not offer `needed`, which the check needs.
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
