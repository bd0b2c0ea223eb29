//! The results of a run.

use std::time::Duration;

use hdrhistogram::Histogram;

use super::record::{ErrorKind, Errors};

/// The results of a run.
#[derive(Debug)]
pub struct Results {
    /// The number of connections on which the server answered.
    pub connected: usize,
    /// The length of the measured time.
    pub measured: Duration,
    /// The number of verified replies in the measured time.
    pub replies: u64,
    /// The number of bytes in these replies.
    pub bytes: u64,
    /// The number of requests that were due in the measured time and had no reply at the end of the run.
    pub unanswered: u64,
    /// The latencies in nanoseconds.
    pub latencies: Histogram<u64>,
    /// How late the open loop sent requests although a connection was free, in nanoseconds.
    pub lateness: Histogram<u64>,
    /// The latencies in each interval of the measured time.
    pub intervals: Vec<IntervalResult>,
    /// The errors of the whole run, warm-up included.
    pub errors: Errors,
    /// The number of times that a connection was opened again.
    pub reconnects: u64,
    /// The processor time of the server, if it is known.
    pub server_cpu: Option<Duration>,
    /// The resident memory of the server at the end of the measurement, and by how much it grew since before the first
    /// connection.
    pub server_memory: Option<(u64, i64)>,
    /// The processor time of the client's threads in the measured time.
    pub client_cpu: Duration,
    /// The share of the measured time in which the busiest thread of the client ran.
    pub busiest_thread: f64,
    /// The share of the measured time in which threads of this process were ready to run and waited for a processor;
    /// `None` where the system does not tell.
    pub waited_for_cpu: Option<f64>,
    /// Whether the run was interrupted.
    pub is_interrupted: bool,
}

/// The latencies of one interval.
#[derive(Debug, Clone)]
pub struct IntervalResult {
    /// The beginning of the interval, counted from that of the measurement.
    pub began: Duration,
    /// The number of verified replies.
    pub replies: u64,
    /// The 50th percentile of the latencies in nanoseconds.
    pub p50: u64,
    /// The 99th percentile of the latencies in nanoseconds.
    pub p99: u64,
    /// The longest latency in nanoseconds.
    pub max: u64,
}

/// The share of the asked rate that an open loop must reach.
pub(super) const ACHIEVED: f64 = 0.98;

/// The share of the time from which on a thread counts as always busy.
const ALWAYS_BUSY: f64 = 0.95;

/// The share of the time from which on waiting for a processor distorts the figures.
const DISTURBED: f64 = 0.1;

impl Results {
    /// Returns the number of verified replies a second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        let seconds = self.measured.as_secs_f64();
        if seconds > 0.0 { self.replies as f64 / seconds } else { 0.0 }
    }

    /// Returns processor time as microseconds for each verified reply.
    #[must_use]
    pub fn per_reply(&self, cpu: Duration) -> Option<f64> {
        (self.replies > 0).then(|| cpu.as_secs_f64() * 1e6 / self.replies as f64)
    }

    /// Returns by how many bytes the server's memory grew for each connection.
    #[must_use]
    pub fn memory_per_connection(&self) -> Option<f64> {
        let (_, grown) = self.server_memory?;
        (self.connected > 0).then(|| grown as f64 / self.connected as f64)
    }

    /// Whether a thread of the client had no time left, so that the rate is the client's and not the server's.
    #[must_use]
    pub fn client_is_limit(&self) -> bool {
        self.busiest_thread >= ALWAYS_BUSY
    }

    /// Whether the client often waited for a processor that other processes used.
    #[must_use]
    pub fn is_disturbed(&self) -> bool {
        self.waited_for_cpu.is_some_and(|share| share >= DISTURBED)
    }

    /// Returns the number of wrong replies.
    #[must_use]
    pub fn wrong_replies(&self) -> u64 {
        self.errors.of(ErrorKind::WrongReply).count
    }

    /// Whether every request got its correct reply.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.errors.total() == 0 && self.unanswered == 0 && self.replies > 0
    }
}
