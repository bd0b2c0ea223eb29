//! When a loop has done enough.

use std::time::Duration;

/// A time, and for what is counted rather than timed a number of messages, if that is to be had soon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limit {
    pub time: Duration,
    fewest: u64,
    longest: Duration,
}

/// So many messages, and a call more or less in the sum of a side does not show.
const ENOUGH: u64 = 100;

/// But no more bytes: large messages take many calls each.
const BYTES: usize = 8 << 20;

/// A slow server is not asked for as many.
const LONGEST: Duration = Duration::from_millis(100);

impl Limit {
    pub const fn of_time(time: Duration) -> Limit {
        Limit { time, fewest: 1, longest: Duration::MAX }
    }

    /// For messages of `size` bytes whose system calls are counted.
    pub fn of_counting(time: Duration, size: usize) -> Limit {
        let fewest = ENOUGH.min((BYTES / size.max(1)) as u64).max(1);
        Limit { time, fewest, longest: LONGEST.max(time) }
    }

    #[inline]
    pub fn is_reached(&self, elapsed: Duration, messages: u64) -> bool {
        elapsed >= self.time && (messages >= self.fewest || elapsed >= self.longest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_time_is_reached_after_one_message() {
        let limit = Limit::of_time(MS);
        assert!(limit.is_reached(MS, 1) && !limit.is_reached(MS / 2, 1000));
    }

    #[test]
    fn what_is_counted_goes_on_until_there_is_enough_but_not_for_long() {
        let limit = Limit::of_counting(MS, 64);
        assert!(!limit.is_reached(MS, 99) && limit.is_reached(MS, 100) && limit.is_reached(LONGEST, 1));
        assert!(Limit::of_counting(MS, 4 << 20).is_reached(MS, 2));
    }
}
