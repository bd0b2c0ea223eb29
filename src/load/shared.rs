//! The state that the threads of a run share: its clock, and the times at which its phases begin.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// A time of the run's clock that has not come yet.
pub(super) const NEVER: u64 = u64::MAX;

/// The clock of a run, and the times of its phases in nanoseconds.
#[derive(Debug)]
pub(super) struct Shared {
    epoch: Instant,
    /// The beginning of the warm-up, once all connections are open.
    begin: AtomicU64,
    /// The beginning of the measurement.
    start: AtomicU64,
    /// The end of the measurement.
    end: AtomicU64,
    /// Whether the run was interrupted, so that no reply is awaited for long.
    hurries: AtomicBool,
    /// The number of threads whose connections are open.
    ready: AtomicUsize,
    /// The number of connections on which the server has answered.
    served: AtomicUsize,
    /// The number of errors of all threads.
    errors: AtomicU64,
}

/// The times of a run's phases, as a thread reads them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Phases {
    pub begin: u64,
    pub start: u64,
    pub end: u64,
}

impl Shared {
    pub fn new() -> Shared {
        Shared {
            epoch: Instant::now(),
            begin: AtomicU64::new(NEVER),
            start: AtomicU64::new(NEVER),
            end: AtomicU64::new(NEVER),
            hurries: AtomicBool::new(false),
            ready: AtomicUsize::new(0),
            served: AtomicUsize::new(0),
            errors: AtomicU64::new(0),
        }
    }

    /// Returns the nanoseconds since the run's clock began.
    #[inline]
    pub fn now(&self) -> u64 {
        nanoseconds(self.epoch.elapsed())
    }

    /// Returns the times of the phases.
    #[inline]
    pub fn phases(&self) -> Phases {
        Phases {
            begin: self.begin.load(Ordering::Relaxed),
            start: self.start.load(Ordering::Relaxed),
            end: self.end.load(Ordering::Relaxed),
        }
    }

    /// Sets the times of the phases: the warm-up begins at `begin`.
    pub fn set_phases(&self, begin: u64, warm_up: Duration, duration: Duration) {
        let start = begin + nanoseconds(warm_up);
        self.end.store(start + nanoseconds(duration), Ordering::Relaxed);
        self.start.store(start, Ordering::Relaxed);
        self.begin.store(begin, Ordering::Relaxed);
    }

    /// Ends the measurement at `now`, unless it has ended, and makes the threads wait no longer than a second.
    pub fn end_now(&self, now: u64) {
        self.end.fetch_min(now, Ordering::Relaxed);
        self.hurries.store(true, Ordering::Relaxed);
    }

    pub fn hurries(&self) -> bool {
        self.hurries.load(Ordering::Relaxed)
    }

    pub fn add_ready_thread(&self) {
        self.ready.fetch_add(1, Ordering::Relaxed);
    }

    pub fn ready_threads(&self) -> usize {
        self.ready.load(Ordering::Relaxed)
    }

    pub fn add_served(&self) {
        self.served.fetch_add(1, Ordering::Relaxed);
    }

    pub fn served(&self) -> usize {
        self.served.load(Ordering::Relaxed)
    }

    pub fn add_error(&self) {
        self.errors.fetch_add(1, Ordering::Relaxed);
    }

    pub fn errors(&self) -> u64 {
        self.errors.load(Ordering::Relaxed)
    }
}

/// Returns a duration in nanoseconds.
pub(super) fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(NEVER)
}
