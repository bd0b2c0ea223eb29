//! The times at which an open loop sends its requests, whatever the server does.

/// The number of nanoseconds in a second.
const SECOND: f64 = 1e9;

/// The intended send times of one thread's requests, in nanoseconds of the run's clock.
#[derive(Debug)]
pub(super) struct Schedule {
    began: u64,
    /// The time between two requests, in nanoseconds.
    gap: f64,
    /// The number of requests that are already sent.
    sent: u64,
    /// The part of a gap by which this thread's requests come later than those of the first thread.
    phase: f64,
}

impl Schedule {
    /// Returns the schedule of thread `number` of `threads`, which together send `rate` requests a second from `began`
    /// on.
    pub fn new(rate: f64, threads: usize, number: usize, began: u64) -> Schedule {
        let gap = SECOND * threads as f64 / rate;
        Schedule { began, gap, sent: 0, phase: number as f64 / threads as f64 }
    }

    /// Returns the time at which the next request is due.
    pub fn next(&self) -> u64 {
        self.began + ((self.sent as f64 + self.phase) * self.gap) as u64
    }

    /// Goes on to the request after the next one.
    pub fn advance(&mut self) {
        self.sent += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_threads_send_in_turn() {
        let (mut first, mut second) = (Schedule::new(1000.0, 2, 0, 5), Schedule::new(1000.0, 2, 1, 5));
        assert_eq!((first.next(), second.next()), (5, 1_000_005));
        first.advance();
        second.advance();
        assert_eq!((first.next(), second.next()), (2_000_005, 3_000_005));
    }
}
