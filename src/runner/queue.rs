//! The checks of a run that wait for a worker.

use std::collections::VecDeque;
use std::sync::Mutex;

use crate::checks::{Check, LONG_CHECK_IDS};

/// The checks that no worker has taken yet, each with its place in the list.
pub(super) type Queue = Mutex<VecDeque<(usize, &'static Check)>>;

/// Returns the queue of `checks`, each with its place in the list. One worker runs them in that order; several begin
/// with the longest checks.
pub(super) fn queue(checks: &[&'static Check], jobs: usize) -> Queue {
    let mut queue: Vec<_> = checks.iter().copied().enumerate().collect();
    if jobs > 1 {
        let rank = |id| LONG_CHECK_IDS.iter().position(|&long| long == id).unwrap_or(LONG_CHECK_IDS.len());
        queue.sort_by_key(|(_, check)| rank(check.id));
    }
    Mutex::new(queue.into())
}
