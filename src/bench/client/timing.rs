//! The clock of a measurement, and when a measurement ends.

use std::time::{Duration, Instant};

/// The clock of every measurement, `CLOCK_MONOTONIC`, and the time that reading it adds to each interval.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    pub cost: Duration,
}

impl Clock {
    /// Measures the cost of reading the clock: the median of many intervals between two readings in a row.
    pub fn calibrate() -> Clock {
        let mut intervals: Vec<Duration> = (0..4001).map(|_| Instant::now().elapsed()).collect();
        let middle = intervals.len() / 2;
        Clock { cost: *intervals.select_nth_unstable(middle).1 }
    }

    /// Returns the time from `began` to now, without the cost of reading the clock.
    #[inline]
    pub fn time_since(self, began: Instant) -> Duration {
        began.elapsed().saturating_sub(self.cost)
    }
}

/// The limit at which a measurement ends: its minimum time, and the minimum number of messages if they do not take
/// too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MeasurementLimit {
    pub time: Duration,
    min_messages: u64,
    max_time: Duration,
}

/// The number of messages over which system calls are counted: among so many, one call more or less does not show.
const COUNTED_MESSAGES: u64 = 100;

/// Maximum number of bytes over which system calls are counted: large messages take many calls each.
const COUNTED_BYTES: usize = 8 << 20;

/// Maximum time for counting system calls of a slow server.
const COUNTING_TIME: Duration = Duration::from_millis(100);

impl MeasurementLimit {
    /// Creates the limit of a measurement that ends after `time`.
    pub const fn after_time(time: Duration) -> MeasurementLimit {
        MeasurementLimit { time, min_messages: 1, max_time: Duration::MAX }
    }

    /// Creates the limit of a measurement that ends when the system calls of enough messages of `size` bytes are
    /// counted.
    pub fn for_counting_calls(time: Duration, size: usize) -> MeasurementLimit {
        let min_messages = COUNTED_MESSAGES.min((COUNTED_BYTES / size.max(1)) as u64).max(1);
        MeasurementLimit { time, min_messages, max_time: COUNTING_TIME.max(time) }
    }

    #[inline]
    pub fn is_reached(&self, elapsed: Duration, messages: u64) -> bool {
        elapsed >= self.time && (messages >= self.min_messages || elapsed >= self.max_time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn time_limit_ends_after_one_message() {
        let limit = MeasurementLimit::after_time(MS);
        assert!(limit.is_reached(MS, 1) && !limit.is_reached(MS / 2, 1000));
    }

    #[test]
    fn counting_waits_for_enough_messages_up_to_a_maximum_time() {
        let limit = MeasurementLimit::for_counting_calls(MS, 64);
        assert!(!limit.is_reached(MS, 99) && limit.is_reached(MS, 100) && limit.is_reached(COUNTING_TIME, 1));
        assert!(MeasurementLimit::for_counting_calls(MS, 4 << 20).is_reached(MS, 2));
    }
}
