//! The plan of a comparison: what to measure, and how.

use std::path::PathBuf;
use std::time::Duration;

use super::candidate::Candidate;
use super::comparison::{Measure, Placement};
use super::session::job::Task;
use crate::deadline::Deadlines;
use crate::transport::{Capabilities, Tuning};

/// The settings of a comparison that is to be measured.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The mechanisms and servers that a comparison measures.
    pub candidates: Vec<Candidate>,
    /// The name of the candidate to which a comparison computes ratios.
    pub reference: String,
    /// The placements of client and server to measure.
    pub placements: Vec<Placement>,
    /// The quantities that a comparison measures.
    pub measures: Vec<Measure>,
    /// The message sizes to measure, in bytes.
    pub sizes: Vec<usize>,
    /// The rates for open loops, in messages per second. An open loop uses messages of the first size.
    pub rates: Vec<f64>,
    /// The number of rounds of a comparison, at least one.
    pub rounds: usize,
    /// The duration of a whole comparison. Open loops at low rates come on top.
    pub time: Duration,
    /// The options set on the measured mechanisms, such as `TCP_NODELAY`.
    pub tuning: Tuning,
    /// The seed that determines the order of a comparison's sessions and the bytes sent.
    pub seed: u64,
    /// The deadlines of server and client in a comparison.
    pub deadlines: Deadlines,
    /// The `echospec` program, which a comparison launches as client.
    pub client: PathBuf,
}

/// Maximum size of a message in a comparison: 16 MiB.
pub const MAX_MESSAGE_SIZE: usize = 16 * 1024 * 1024;

impl Plan {
    /// Returns what to measure of one candidate, without the durations.
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
