//! The plan of a run: how many connections, how fast, for how long.

use std::time::Duration;

/// The plan of a run.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The number of connections that are open at the same time.
    pub connections: usize,
    /// The number of threads that share the connections.
    pub threads: usize,
    /// The length of the payload of each request; `None` for the usual one.
    pub size: Option<usize>,
    /// The number of requests a second over all connections (open loop). `None` sends the next request of a connection
    /// as soon as its reply has come (closed loop).
    pub rate: Option<f64>,
    /// The time in which requests are measured.
    pub duration: Duration,
    /// The number of requests that are measured, if the run ends with them.
    pub requests: Option<u64>,
    /// The time in which the connections are opened, one after the other.
    pub ramp: Duration,
    /// The time before the measurement in which requests are sent and verified, but not measured.
    pub warm_up: Duration,
    /// Whether each exchange has a connection of its own.
    pub churn: bool,
    /// The time that a client waits for a connection or a reply.
    pub timeout: Duration,
    /// The seed of the payloads and tokens.
    pub seed: u64,
}

impl Plan {
    /// Returns the length of the intervals into which the measured time is divided: about a hundred, of 100 ms or more.
    pub(super) fn interval(&self) -> Duration {
        (self.duration / 100).max(Duration::from_millis(100))
    }

    /// Returns the share of `total` that thread `number` gets.
    pub(super) fn share(&self, total: u64, number: usize) -> u64 {
        let (threads, number) = (self.threads as u64, number as u64);
        total / threads + u64::from(number < total % threads)
    }
}
