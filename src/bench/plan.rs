//! The plan of a comparison: what to measure, and how.

use std::path::PathBuf;
use std::time::Duration;

use super::candidate::Candidate;
use super::comparison::{Measure, Placement};
use super::session::job::Task;
use crate::deadline::Deadlines;
use crate::transport::{Capabilities, Tuning};

/// The settings of a comparison.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The mechanisms and servers to compare.
    pub candidates: Vec<Candidate>,
    /// The name of the candidate to which ratios are computed.
    pub reference: String,
    /// The placements of client and server.
    pub placements: Vec<Placement>,
    /// The quantities to measure.
    pub measures: Vec<Measure>,
    /// The sizes of messages in bytes.
    pub sizes: Vec<usize>,
    /// Rates for an open loop, in messages per second. It uses messages of the first size.
    pub rates: Vec<f64>,
    /// The number of rounds, at least one.
    pub rounds: usize,
    /// The duration of the whole run. Open loops at low rates come on top.
    pub time: Duration,
    /// The options set on the mechanisms.
    pub tuning: Tuning,
    /// The seed of the order of sessions and of the bytes sent.
    pub seed: u64,
    /// The deadlines of server and client.
    pub deadlines: Deadlines,
    /// The `echospec` program, which is launched as client.
    pub client: PathBuf,
}

/// Maximum size of a message: 16 MiB.
pub const MAX_MESSAGE_SIZE: usize = 16 * 1024 * 1024;

impl Plan {
    /// Returns the tasks of a candidate, without their times.
    #[must_use]
    pub fn tasks(&self, candidate: &Candidate) -> Vec<Task> {
        let connects = candidate.spec.capabilities().contains(Capabilities::CONNECTIONS);
        let first = self.sizes.first().copied();
        let mut tasks = Vec::new();
        for &measure in &self.measures {
            match measure {
                Measure::RoundTrip | Measure::Throughput => {
                    tasks.extend(self.sizes.iter().map(|&size| Task::new(measure, size, None)));
                }
                Measure::Connections if connects => {
                    tasks.extend(first.map(|size| Task::new(measure, size, None)));
                }
                Measure::Connections => {}
            }
        }
        let rates = self.rates.iter().filter_map(|&rate| Some((first?, rate)));
        tasks.extend(rates.map(|(size, rate)| Task::new(Measure::RoundTrip, size, Some(rate))));
        tasks
    }
}
