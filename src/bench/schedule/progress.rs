//! The progress of a comparison, for the terminal and for SIGUSR1.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The progress of a running comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// The number of a comparison's sessions that have ended.
    pub done: usize,
    /// The number of all sessions of a comparison. 0 during the first pass, which finds the sessions that are
    /// possible.
    pub total: usize,
    /// The estimated time to the end of a comparison.
    pub left: Duration,
    /// The session of a comparison that is running: its candidate and placement.
    pub current: String,
}

static CURRENT: Mutex<Option<Progress>> = Mutex::new(None);

/// Describes the progress of the running comparison in one line. `None` if none is running.
#[must_use]
pub fn describe_progress() -> Option<String> {
    let progress = CURRENT.lock().unwrap_or_else(PoisonError::into_inner);
    let Progress { done, total, left, current } = progress.as_ref()?;
    Some(match total {
        0 => format!("{current}: finding out what is possible"),
        _ => format!("{current}: session {} of {total}, about {} s left", done + 1, left.as_secs()),
    })
}

/// Stores the progress of the running comparison, which [`describe_progress`] reports.
pub(in crate::bench) fn publish_progress(progress: Option<Progress>) {
    *CURRENT.lock().unwrap_or_else(PoisonError::into_inner) = progress;
}
