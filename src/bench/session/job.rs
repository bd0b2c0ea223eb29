//! What the harness asks of a client process, and what that answers: JSON, the job on its standard input, an answer for
//! each task in a line of its own on its standard output.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::bench::comparison::{Cost, Measure};
use crate::transport::{Address, Tuning, WaitMode};

/// All that a client process must know.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Job {
    /// The transport's name.
    pub transport: String,
    /// Where the server listens.
    pub address: Address,
    /// Whether descriptors 3 and 4 are the near ends of what the server was launched on.
    pub lent: bool,
    /// The server's process.
    pub server: i32,
    /// Where the client may bind names.
    pub scratch: PathBuf,
    /// The processor that it is bound to; none where the scheduler chooses.
    pub processor: Option<usize>,
    /// What it does while nothing has come.
    pub waiting: WaitMode,
    /// What is set on the mechanism.
    pub tuning: Tuning,
    /// Whether both sides share one processor: then the server stands still while the client compares bytes.
    pub shared: bool,
    /// What its bytes are drawn from.
    pub seed: u64,
    /// Whether it counts the system calls of both sides, which costs time on each of them.
    #[serde(default)]
    pub count: bool,
    /// What to measure, one after the other.
    pub tasks: Vec<Task>,
}

/// One measurement.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// What is measured.
    pub measure: Measure,
    /// The size of a message in bytes.
    pub size: usize,
    /// Messages per second, for an open loop.
    pub rate: Option<f64>,
    /// How long the mechanism is used before anything counts.
    pub warm_up: Duration,
    /// How long it is measured.
    pub timed: Duration,
}

/// What became of a task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// It was measured.
    Measured(Box<Sample>),
    /// The mechanism cannot do that; the next task can be tried.
    Impossible(String),
    /// A byte came back that was not due. The client ends: what else comes is not to be trusted.
    Wrong(String),
    /// The conversation broke off. The client ends.
    Broken(String),
}

/// One measurement's figures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// In the unit of the measure.
    pub figure: f64,
    /// How many messages or connections.
    pub messages: u64,
    /// The timed part.
    pub seconds: f64,
    /// What a message cost.
    pub cost: Cost,
    /// As [`Round::histogram`](crate::bench::comparison::Round::histogram).
    pub histogram: Option<String>,
    /// What reading the clock costs, in ns.
    pub clock: f64,
    /// The seconds in which a throughput's bytes were compared.
    pub checking: Option<f64>,
    /// In an open loop: how much later than intended the messages were sent, in ns; the median.
    pub lateness: Option<f64>,
}
