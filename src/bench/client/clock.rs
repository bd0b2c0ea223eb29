//! What it costs to ask for the time.

use std::time::{Duration, Instant};

/// The clock of every measurement, `CLOCK_MONOTONIC`, and what reading it adds to each interval.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    pub cost: Duration,
}

impl Clock {
    /// Reads the clock twice in a row, often: the middle of those intervals is its cost.
    pub fn calibrated() -> Clock {
        let mut intervals: Vec<Duration> = (0..4001).map(|_| Instant::now().elapsed()).collect();
        let middle = intervals.len() / 2;
        Clock { cost: *intervals.select_nth_unstable(middle).1 }
    }

    /// The time from `began` to now, without the clock's own cost.
    #[inline]
    pub fn since(self, began: Instant) -> Duration {
        began.elapsed().saturating_sub(self.cost)
    }
}
