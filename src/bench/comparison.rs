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
    /// The version of the JSON schema of a comparison, [`SCHEMA`].
    pub schema: u32,
    /// The version of echospec that measured a comparison.
    pub version: String,
    /// The start of a comparison, in seconds since 1970 (UTC).
    pub began: u64,
    /// The duration of a comparison, in seconds.
    pub seconds: f64,
    /// The seed that determines the order of a comparison's sessions and the bytes sent.
    pub seed: u64,
    /// True if the comparison was interrupted. Rounds or whole measurements are then missing.
    pub interrupted: bool,
    /// The machine on which the comparison was measured.
    pub machine: Machine,
    /// The settings and procedure of the comparison.
    pub method: Method,
    /// The costs of the machine's own operations, below which no mechanism can go.
    pub floors: Vec<Floor>,
    /// The mechanisms and servers that were measured, in the order of the command line or of the list of mechanisms.
    #[serde(rename = "arms")]
    pub candidates: Vec<CandidateInfo>,
    /// The measurements of a comparison, one for each combination of candidate, placement, measure, size and rate.
    #[serde(rename = "cells")]
    pub measurements: Vec<Measurement>,
    /// Reasons to doubt the results of a comparison.
    pub warnings: Vec<Warning>,
}

/// A mechanism or server that a comparison measured.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CandidateInfo {
    /// The name of a measured mechanism or server, unique in a comparison: `tcp`, or the NAME given to `--server`.
    pub name: String,
    /// A one-line description of a measured mechanism or server.
    #[serde(rename = "says")]
    pub description: String,
    /// The transport by which the client reaches a measured server.
    pub transport: String,
    /// The command line of a measured server.
    pub command: String,
    /// True for a server that is bundled with echospec, false for a server given by `--server`.
    pub bundled: bool,
    /// The reason why a mechanism or server was not measured at all, or `None` if it was.
    pub unsupported: Option<String>,
}

/// One measurement of a comparison: all rounds of one candidate, placement, measure, size and rate.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Measurement {
    /// The name of the mechanism or server that was measured.
    #[serde(rename = "arm")]
    pub candidate: String,
    /// The placement of client and server during a measurement.
    pub placement: Placement,
    /// The quantity that was measured, such as round-trip time.
    pub measure: Measure,
    /// The size of the exchanged messages in bytes.
    pub size: usize,
    /// The number of messages per second, if they were sent at fixed times (open loop). Absent if each was sent when
    /// the one before it was back (closed loop).
    pub rate: Option<f64>,
    /// The median of a measurement's rounds, in the unit of the measure: ns, bytes per second, connections per
    /// second.
    #[serde(rename = "figure")]
    pub estimate: Estimate,
    /// The ratio of a measurement to that of the reference candidate, computed round by round. Absent for the
    /// reference itself, and if the reference has no such measurement.
    pub ratio: Option<Estimate>,
    /// The percentiles of message times of all rounds together. Absent if single messages were not timed.
    pub percentiles: Option<Percentiles>,
    /// The median cost of a message over the rounds of a measurement.
    pub cost: MessageCost,
    /// The rounds of a measurement, in the order of execution.
    pub rounds: Vec<Round>,
    /// The reason why a measurement's estimate must not be used, such as a wrong byte. The measurement is then not
    /// ranked.
    #[serde(rename = "void")]
    pub no_result: Option<String>,
    /// True if a measurement has no result because the server failed: it sent a wrong byte, closed the conversation,
    /// or did not answer. False if the mechanism cannot do what was asked.
    #[serde(rename = "fault", default)]
    pub server_fault: bool,
}

/// A median with its 95 % confidence interval (bootstrap over the rounds).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The median of a measurement's rounds.
    pub value: f64,
    /// The lower end of a median's confidence interval.
    pub low: f64,
    /// The upper end of a median's confidence interval.
    pub high: f64,
}

/// Percentiles of the times of single messages, in ns.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Percentiles {
    /// The minimum round-trip time of a message.
    pub min: u64,
    /// The median round-trip time of a message.
    pub p50: u64,
    /// The 90th percentile of the round-trip times of messages.
    pub p90: u64,
    /// The 99th percentile of the round-trip times of messages.
    pub p99: u64,
    /// The 99.9th percentile of the round-trip times of messages.
    pub p999: u64,
    /// The maximum round-trip time of a message.
    pub max: u64,
}

/// The cost of one message there and back: processor time, context switches and system calls.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct MessageCost {
    /// Processor time of the client in user mode for one message, in ns.
    pub client_user: f64,
    /// Processor time of the client in the kernel for one message, in ns.
    pub client_system: f64,
    /// Processor time of the server's processes in user mode for one message, in ns.
    pub server_user: f64,
    /// Processor time of the server's processes in the kernel for one message, in ns.
    pub server_system: f64,
    /// Voluntary context switches of client and server for one message.
    pub voluntary_switches: f64,
    /// Involuntary context switches of client and server for one message.
    pub involuntary_switches: f64,
    /// System calls of the client for one message, counted in a separate pass. Absent if they could not be counted.
    pub client_calls: Option<f64>,
    /// System calls of the server's processes for one message, counted in a separate pass. Absent if they could not
    /// be counted.
    pub server_calls: Option<f64>,
}

/// One round of a measurement, made in one session of a new client and a new server.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Round {
    /// The number of a round. All measurements with the same number were made in the same round.
    pub number: usize,
    /// The value measured in a round, in the unit of the measure.
    #[serde(rename = "figure")]
    pub value: f64,
    /// The number of messages (or connections) measured in a round.
    pub messages: u64,
    /// The duration of a round's timed part, in seconds.
    pub seconds: f64,
    /// The cost of a message in one round of a measurement.
    pub cost: MessageCost,
    /// The number of times that a measuring session was repeated because other processes had used its processors.
    pub repeated: u32,
    /// The share of a measuring session's processor time that other processes used meanwhile, 0 to 1. Absent if the
    /// system does not tell.
    #[serde(default)]
    pub foreign: Option<f64>,
    /// The share of a measuring session's processor time that the hypervisor gave to other guests. Absent if the
    /// system does not tell.
    #[serde(default)]
    pub stolen: Option<f64>,
    /// The round-trip times of a round in ns: an `HdrHistogram` in its compressed V2 encoding, as base64. Absent if
    /// single messages were not timed.
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
    /// The name of a floor, an operation of the machine itself: `clock`, `syscall`, `switch`, `cache-line`,
    /// `memcpy-64k` …
    pub name: String,
    /// A one-line description of an operation of the machine itself.
    #[serde(rename = "says")]
    pub description: String,
    /// The time that an operation of the machine itself takes, in ns.
    pub time: Estimate,
    /// The placements in which a round trip takes at least the time of this floor, if the mechanism blocks (or, for
    /// `spin`, spins).
    #[serde(default)]
    pub bounds: Vec<Placement>,
}

/// The machine that a comparison ran on, as far as it affects the results.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Machine {
    /// The system's name, release and architecture, from `uname(2)`.
    pub system: String,
    /// The processor's model, if the system names it.
    pub processor: Option<String>,
    /// The number of processors that this process may use.
    pub processors: usize,
    /// The processors that a comparison used: the client's, and the server's in placements on two.
    pub pinned: Option<(usize, usize)>,
    /// All other facts about the machine, in the order in which reports show them: idle driver, frequency governor,
    /// virtualisation, congestion control, pipe size, socket buffers, steal time …
    pub facts: Vec<Fact>,
}

/// A property of the machine that affects the results of a comparison.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// The system's name for a property of the machine: `net.ipv4.tcp_congestion_control`.
    pub name: String,
    /// The value of a property of the machine. Empty if unknown.
    pub value: String,
    /// The file, call or variable from which a property of the machine was read.
    #[serde(default)]
    pub source: String,
    /// The reason why a property of the machine is unknown, or `None` if it is known.
    #[serde(rename = "absent", default)]
    pub unknown: Option<String>,
    /// True if a property of the machine differs from run to run, as the load does. Two runs are then not compared by
    /// it.
    #[serde(rename = "fleeting", default)]
    pub varies: bool,
}

/// The settings and procedure of a comparison.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Method {
    /// The number of rounds that the user requested.
    pub rounds: usize,
    /// The name of the candidate to which a comparison computes ratios.
    pub reference: String,
    /// The duration of each measurement's warm-up, in seconds.
    pub warm_up: f64,
    /// The duration of each measurement's timed part, in seconds.
    pub timed: f64,
    /// The cost of reading the clock, in ns. It has been subtracted from every round trip.
    pub clock: f64,
    /// The options set on the measured mechanisms, such as `TCP_NODELAY`.
    pub tuning: Tuning,
    /// The number of measuring sessions that were repeated because other processes had used their processors.
    pub repeated: u32,
}

/// A reason to doubt some results of a comparison.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// The problem that a warning about the results states.
    #[serde(rename = "says")]
    pub message: String,
    /// The cause of a problem with the results, or its effect on them. Empty if unknown.
    pub cause: String,
    /// A remedy for a problem with the results. Empty if there is none.
    #[serde(rename = "mend", default)]
    pub help: String,
}

impl Measurement {
    /// Returns the parameters of a measurement, which another one must share to be comparable with it.
    #[must_use]
    pub fn parameters(&self) -> Parameters {
        let Measurement { measure, placement, size, rate, .. } = *self;
        Parameters { measure, placement, size, rate }
    }
}

impl MessageCost {
    /// Returns the processor time of client and server for one message, in ns.
    #[must_use]
    pub fn processor_time(&self) -> f64 {
        self.client_user + self.client_system + self.server_user + self.server_system
    }
}

impl Machine {
    /// Returns the value of the machine's property called `name`, if it is known.
    #[must_use]
    pub fn fact(&self, name: &str) -> Option<&str> {
        let known = |fact: &&Fact| fact.name == name && fact.unknown.is_none();
        self.facts.iter().find(known).map(|fact| fact.value.as_str())
    }
}
