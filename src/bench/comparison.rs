//! The results of a comparison, as they are reported, saved and compared with a later run: the schema of `--json`.
//!
//! Times are in nanoseconds, sizes in bytes, rates per second. Each measurement includes the rounds it was computed
//! from, so that a reader can compute it again.

use serde::{Deserialize, Serialize};

pub use super::parameters::{Measure, Parameters, Placement};
use crate::transport::Tuning;

/// The version of the JSON schema of a [`Comparison`]. It increases when a field is removed or changes its meaning,
/// not when one is added.
pub const SCHEMA: u32 = 1;

/// The results of one run of `echospec compare`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Comparison {
    /// The version of the schema, [`SCHEMA`].
    pub schema: u32,
    /// The version of echospec that measured.
    pub version: String,
    /// The start of the run, in seconds since 1970 (UTC).
    pub began: u64,
    /// The duration of the run, in seconds.
    pub seconds: f64,
    /// The seed of the order of sessions and of the bytes sent.
    pub seed: u64,
    /// True if the run was interrupted. Rounds or whole measurements are then missing.
    pub interrupted: bool,
    /// The machine that the comparison ran on.
    pub machine: Machine,
    /// The settings and procedure of the comparison.
    pub method: Method,
    /// The costs of the machine's own operations.
    pub floors: Vec<Floor>,
    /// The mechanisms and servers compared, in the order of the command line or of the list of mechanisms.
    #[serde(rename = "arms")]
    pub candidates: Vec<CandidateInfo>,
    /// The measurements, one for each combination of candidate, placement, measure, size and rate.
    #[serde(rename = "cells")]
    pub measurements: Vec<Measurement>,
    /// Reasons to doubt the results.
    pub warnings: Vec<Warning>,
}

/// A candidate of the comparison: a mechanism with a server.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CandidateInfo {
    /// The name of the candidate, unique in the run: `tcp`, or the NAME given to `--server`.
    pub name: String,
    /// A one-line description of the candidate.
    #[serde(rename = "says")]
    pub description: String,
    /// The transport that the client uses.
    pub transport: String,
    /// The server's command line.
    pub command: String,
    /// False for a server given by `--server`.
    pub bundled: bool,
    /// The reason why the candidate was not measured at all, or `None` if it was.
    pub unsupported: Option<String>,
}

/// All rounds of one candidate, placement, measure, size and rate.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Measurement {
    /// The name of the candidate.
    #[serde(rename = "arm")]
    pub candidate: String,
    /// The placement of client and server.
    pub placement: Placement,
    /// The quantity that was measured.
    pub measure: Measure,
    /// The size of a message in bytes.
    pub size: usize,
    /// Messages per second, if they were sent at fixed times (open loop). Absent if each was sent when the one before it
    /// was back (closed loop).
    pub rate: Option<f64>,
    /// The median of the rounds, in the unit of the measure: ns, bytes per second, connections per second.
    #[serde(rename = "figure")]
    pub estimate: Estimate,
    /// The ratio to the reference, computed round by round. Absent for the reference itself, and if the reference has no
    /// such measurement.
    pub ratio: Option<Estimate>,
    /// The percentiles of all rounds together. Absent if single messages were not timed.
    pub percentiles: Option<Percentiles>,
    /// The median cost of a message over the rounds.
    pub cost: MessageCost,
    /// The rounds of the measurement, in the order of execution.
    pub rounds: Vec<Round>,
    /// The reason why the estimate must not be used, such as a wrong byte. The measurement is then not ranked.
    #[serde(rename = "void")]
    pub no_result: Option<String>,
    /// True if there is no result because the server failed: it sent a wrong byte, closed the conversation, or did not
    /// answer. False if the mechanism cannot do what was asked.
    #[serde(rename = "fault", default)]
    pub server_fault: bool,
}

/// A median with its 95 % confidence interval (bootstrap over the rounds).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The median of the rounds.
    pub value: f64,
    /// The lower end of the interval.
    pub low: f64,
    /// The upper end of the interval.
    pub high: f64,
}

/// Percentiles of the times of single messages, in ns.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Percentiles {
    /// The minimum time of a message.
    pub min: u64,
    /// The median time of a message.
    pub p50: u64,
    /// The 90th percentile of the times of messages.
    pub p90: u64,
    /// The 99th percentile of the times of messages.
    pub p99: u64,
    /// The 99.9th percentile of the times of messages.
    pub p999: u64,
    /// The maximum time of a message.
    pub max: u64,
}

/// The cost of one message there and back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct MessageCost {
    /// Processor time of the client in user mode, in ns.
    pub client_user: f64,
    /// Processor time of the client in the kernel, in ns.
    pub client_system: f64,
    /// Processor time of the server's processes in user mode, in ns.
    pub server_user: f64,
    /// Processor time of the server's processes in the kernel, in ns.
    pub server_system: f64,
    /// Voluntary context switches of client and server.
    pub voluntary_switches: f64,
    /// Involuntary context switches of client and server.
    pub involuntary_switches: f64,
    /// System calls of the client, counted in a separate pass. Absent if they could not be counted.
    pub client_calls: Option<f64>,
    /// System calls of the server's processes, counted as `client_calls` are.
    pub server_calls: Option<f64>,
}

/// The sample of one round: one session of a new client and a new server.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Round {
    /// The number of the round. All measurements with the same number were made in the same round.
    pub number: usize,
    /// The value measured, in the unit of the measure.
    #[serde(rename = "figure")]
    pub value: f64,
    /// The number of messages (or connections) measured.
    pub messages: u64,
    /// The duration of the timed part.
    pub seconds: f64,
    /// The cost of a message in this round.
    pub cost: MessageCost,
    /// The number of times that the session was repeated because other processes had used its processors.
    pub repeated: u32,
    /// The share of the session's processor time that other processes used during the session, 0 to 1. Absent if the
    /// system does not tell.
    #[serde(default)]
    pub foreign: Option<f64>,
    /// The share of the session's processor time that the hypervisor gave to other guests. Absent if the system does
    /// not tell.
    #[serde(default)]
    pub stolen: Option<f64>,
    /// The round trips in ns: an `HdrHistogram` in its compressed V2 encoding, as base64. Absent if single messages were
    /// not timed.
    pub histogram: Option<String>,
    /// For throughput: the seconds in which the client compared received bytes. If client and server share a processor,
    /// the server could not run meanwhile, and this time has been subtracted. Otherwise it has not.
    #[serde(default)]
    pub checking: Option<f64>,
    /// For an open loop: the median delay from the due time of a message to its send, in ns. It is included in the
    /// message's time.
    #[serde(default)]
    pub lateness: Option<f64>,
}

/// The cost of an operation of the machine itself, below which no mechanism can go.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Floor {
    /// The name of the floor: `clock`, `syscall`, `switch`, `cache-line`, `memcpy-64k` …
    pub name: String,
    /// A one-line description of the floor.
    #[serde(rename = "says")]
    pub description: String,
    /// The time that the operation takes, in ns.
    pub time: Estimate,
    /// The placements in which a round trip takes at least this time, if the mechanism blocks (or, for `spin`, spins).
    #[serde(default)]
    pub bounds: Vec<Placement>,
}

/// The machine, as far as it affects the results.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Machine {
    /// The system's name, release and architecture, from `uname(2)`.
    pub system: String,
    /// The processor's model, if the system names it.
    pub processor: Option<String>,
    /// The number of processors that this process may use.
    pub processors: usize,
    /// The processors that were used: the client's, and the server's in placements on two.
    pub pinned: Option<(usize, usize)>,
    /// All other facts, in the order in which reports show them: idle driver, frequency governor, virtualisation,
    /// congestion control, pipe size, socket buffers, steal time …
    pub facts: Vec<Fact>,
}

/// A property of the machine that affects the results.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// The system's name for the fact: `net.ipv4.tcp_congestion_control`.
    pub name: String,
    /// The value of the fact. Empty if unknown.
    pub value: String,
    /// The file, call or variable from which the value was read.
    #[serde(default)]
    pub source: String,
    /// The reason why the value is unknown, or `None` if it is known.
    #[serde(rename = "absent", default)]
    pub unknown: Option<String>,
    /// True if the value differs from run to run, as the load does. Two runs are then not compared by it.
    #[serde(rename = "fleeting", default)]
    pub varies: bool,
}

/// The settings and procedure of a run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Method {
    /// The number of rounds requested.
    pub rounds: usize,
    /// The name of the candidate to which ratios are computed.
    pub reference: String,
    /// The warm-up of each measurement, in seconds.
    pub warm_up: f64,
    /// The timed part of each measurement, in seconds.
    pub timed: f64,
    /// The cost of reading the clock, in ns. It has been subtracted from every round trip.
    pub clock: f64,
    /// The options set on the mechanisms.
    pub tuning: Tuning,
    /// The number of sessions repeated because other processes had used their processors.
    pub repeated: u32,
}

/// A reason to doubt some of the results.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// The problem that the warning is about.
    #[serde(rename = "says")]
    pub message: String,
    /// The cause of the problem, or its effect on the results. Empty if unknown.
    pub cause: String,
    /// A remedy for the problem. Empty if there is none.
    #[serde(rename = "mend", default)]
    pub help: String,
}

impl Measurement {
    /// Returns the settings that a measurement must share to be comparable with this one.
    #[must_use]
    pub fn parameters(&self) -> Parameters {
        let Measurement { measure, placement, size, rate, .. } = *self;
        Parameters { measure, placement, size, rate }
    }
}

impl MessageCost {
    /// Returns the processor time of client and server, in ns.
    #[must_use]
    pub fn processor_time(&self) -> f64 {
        self.client_user + self.client_system + self.server_user + self.server_system
    }
}

impl Machine {
    /// Returns the value of the fact called `name`, if it is known.
    #[must_use]
    pub fn fact(&self, name: &str) -> Option<&str> {
        let known = |fact: &&Fact| fact.name == name && fact.unknown.is_none();
        self.facts.iter().find(known).map(|fact| fact.value.as_str())
    }
}
