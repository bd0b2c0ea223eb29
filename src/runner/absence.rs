//! The absence of an attached server, which no longer accepts connections.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::check::Finding;
use crate::outcome::Outcome;
use crate::server::LaunchError;

/// Whether, and why, an attached server is gone. All workers of a run share this.
#[derive(Default)]
pub(super) struct Absence {
    /// The reason why the server can no longer be checked, once it does not accept connections.
    reason: OnceLock<String>,
    /// Whether a check of the run has reported a crash of the server.
    crash_reported: AtomicBool,
}

impl Absence {
    /// Returns the finding that a check is skipped, if the server is known to be gone.
    pub fn known(&self) -> Option<Finding> {
        self.reason.get().map(Finding::skipped)
    }

    /// Records whether `finding` reports a crash of the server.
    pub fn note(&self, finding: &Finding) {
        if finding.outcome == Outcome::Crash {
            self.crash_reported.store(true, Ordering::Relaxed);
        }
    }

    /// Returns the finding that the server has gone. It is a crash, unless another check has reported that: the rehearsal
    /// reached the server, and it may have ended between two checks.
    pub fn of_server(&self, error: &LaunchError) -> Finding {
        let reason = self.reason.get_or_init(|| format!("the server has gone in this run: {error}"));
        if self.crash_reported.swap(true, Ordering::Relaxed) {
            return Finding::skipped(reason);
        }
        let wanted = "a server that still accepts connections";
        Finding { outcome: Outcome::Crash, ..Finding::fail(wanted, error.to_string()) }
            .because("it ended after it had answered in this run, before this check began")
    }
}
