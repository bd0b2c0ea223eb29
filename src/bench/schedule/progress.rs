//! How far a comparison has come, for whoever watches it or asks.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Where a comparison stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Sessions that have ended.
    pub done: usize,
    /// Of how many; 0 while that is still being found out.
    pub total: usize,
    /// How long the rest will take, by what the sessions so far took.
    pub left: Duration,
    /// What is being measured now.
    pub says: String,
}

static NOW: Mutex<Option<Progress>> = Mutex::new(None);

/// What is being measured now, and how far it has come, in one line; `None` while nothing is.
#[must_use]
pub fn under_way() -> Option<String> {
    let now = NOW.lock().unwrap_or_else(PoisonError::into_inner);
    let Progress { done, total, left, says } = now.as_ref()?;
    Some(match total {
        0 => format!("{says}: trying what is possible"),
        _ => format!("{says}: session {} of {total}, about {} s left", done + 1, left.as_secs()),
    })
}

/// From now on this is what is under way.
pub(in crate::bench) fn note(progress: Option<Progress>) {
    *NOW.lock().unwrap_or_else(PoisonError::into_inner) = progress;
}
