//! What a comparison found, as it is shown, saved and compared with the next: the schema of `--json`.
//!
//! Times are nanoseconds, sizes bytes, rates per second. Each figure has the rounds that it was made from, so that
//! whoever doubts it can reckon again.

use serde::{Deserialize, Serialize};

use crate::transport::Tuning;

/// The version of this schema. It grows when a field changes its meaning or goes; new fields leave it alone.
pub const SCHEMA: u32 = 1;

/// The whole of one run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Comparison {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The version of echospec that measured.
    pub version: String,
    /// When it began, in seconds since 1970 (UTC).
    pub began: u64,
    /// How long it took.
    pub seconds: f64,
    /// What the order of the rounds and the bytes of the messages were drawn from.
    pub seed: u64,
    /// True if it was interrupted: then rounds or whole cells are missing.
    pub interrupted: bool,
    /// Where it ran.
    pub machine: Machine,
    /// How it was measured.
    pub method: Method,
    /// What the machine itself costs.
    pub floors: Vec<Floor>,
    /// What was compared, in the order of the command line or of the list.
    pub arms: Vec<Arm>,
    /// Each figure.
    pub cells: Vec<Cell>,
    /// What a careful reader must know, each with its cause where one is known.
    pub warnings: Vec<Warning>,
}

/// One of the things compared: a mechanism with a server.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Arm {
    /// Unique in the run: `tcp`, or what the user called it.
    pub name: String,
    /// One line about it.
    pub says: String,
    /// The transport by which the client reaches it.
    pub transport: String,
    /// The server's command line.
    pub command: String,
    /// False for a server of the user's.
    pub bundled: bool,
    /// Why there are no figures of it here, if there are none.
    pub unsupported: Option<String>,
}

/// Where the two processes run, and how they wait: it decides more than the mechanism does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Placement {
    /// Both on one processor.
    Same,
    /// On two processors, as they idle: the other must be woken by an interrupt.
    Cross,
    /// On two processors whose idle states are held off, so that they poll for work.
    CrossPolling,
    /// On two processors, neither side ever sleeping.
    Spin,
    /// Wherever the scheduler puts them.
    Free,
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Measure {
    /// From before the send to after the receive, one message under way. The figure is the median in ns.
    RoundTrip,
    /// Bytes per second that were sent, echoed and received, with a window of them under way. Each crosses the
    /// mechanism twice.
    Throughput,
    /// Conversations per second: connect, echo one message, close.
    Connections,
}

/// One figure: an arm under one placement, by one measure, at one size.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Cell {
    /// The name of its arm.
    pub arm: String,
    /// Where the two ran.
    pub placement: Placement,
    /// What was measured.
    pub measure: Measure,
    /// The size of a message in bytes.
    pub size: usize,
    /// Messages per second, where they were sent on a schedule (open loop); absent where each was sent when the one
    /// before it was back (closed loop).
    pub rate: Option<f64>,
    /// The median of the rounds' figures, in the unit of the measure: ns, bytes per second, connections per second.
    pub figure: Estimate,
    /// This cell's figure by the reference's, taken round by round; absent for the reference itself, and where it
    /// has no such cell.
    pub ratio: Option<Estimate>,
    /// Of all rounds together; absent where no single messages were timed.
    pub percentiles: Option<Percentiles>,
    /// The median of the rounds.
    pub cost: Cost,
    /// The rounds, in the order in which they were run.
    pub rounds: Vec<Round>,
    /// Why the figure must not be used: a byte that came back wrong, say. Such a cell is ranked nowhere.
    pub void: Option<String>,
    /// Whether it is void because the server did wrong: a byte that was not due, a conversation that it ended or left
    /// hanging. What a mechanism cannot do is nobody's fault.
    #[serde(default)]
    pub fault: bool,
}

/// A figure and the interval in which it lies with 95 % confidence (bootstrap of the rounds' median).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The figure itself.
    pub value: f64,
    /// The lower end of its interval.
    pub low: f64,
    /// The upper end of its interval.
    pub high: f64,
}

/// How single messages fared, in ns.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Percentiles {
    /// The fastest.
    pub min: u64,
    /// Half were faster.
    pub p50: u64,
    /// Nine of ten were faster.
    pub p90: u64,
    /// 99 of 100 were faster.
    pub p99: u64,
    /// 999 of 1,000 were faster.
    pub p999: u64,
    /// The slowest.
    pub max: u64,
}

/// What one message cost, there and back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// Processor time of the client in user mode, in ns.
    pub client_user: f64,
    /// Processor time of the client in the kernel, in ns.
    pub client_system: f64,
    /// Processor time of the server's processes in user mode, in ns.
    pub server_user: f64,
    /// Processor time of the server's processes in the kernel, in ns.
    pub server_system: f64,
    /// How often one of them went to sleep.
    pub voluntary_switches: f64,
    /// How often the processor was taken from one of them.
    pub involuntary_switches: f64,
    /// System calls of the client, counted in a pass of its own; absent where they could not be.
    pub client_calls: Option<f64>,
    /// System calls of the server's processes, likewise.
    pub server_calls: Option<f64>,
}

impl Cost {
    /// Processor time of both sides, in ns.
    #[must_use]
    pub fn cpu(&self) -> f64 {
        self.client_user + self.client_system + self.server_user + self.server_system
    }
}

/// One measurement with a fresh pair of processes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Round {
    /// Its place among the run's rounds: cells with the same number were measured side by side.
    pub number: usize,
    /// In the unit of the measure.
    pub figure: f64,
    /// How many messages (or connections) it is made from.
    pub messages: u64,
    /// How long the timed part took.
    pub seconds: f64,
    /// What a message cost.
    pub cost: Cost,
    /// How often it was thrown away and repeated because something else had used the processors.
    pub repeated: u32,
    /// The part of its processors' time that other processes used during its session, 0 to 1; absent where that is not
    /// told.
    #[serde(default)]
    pub foreign: Option<f64>,
    /// The part that a hypervisor gave to others, likewise.
    #[serde(default)]
    pub stolen: Option<f64>,
    /// The round trips in ns: an `HdrHistogram` in its V2 encoding with compression, as base64; absent where no single
    /// messages were timed.
    pub histogram: Option<String>,
    /// Of a throughput: the seconds in which the client compared what came back. Where both sides share one processor the
    /// server stood still meanwhile, and they have been taken off; elsewhere it went on, and they have not.
    #[serde(default)]
    pub checking: Option<f64>,
    /// In an open loop: how much later than intended the messages were sent, in ns; the median. It is part of their
    /// times.
    #[serde(default)]
    pub lateness: Option<f64>,
}

/// What the machine costs before any mechanism does anything.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Floor {
    /// A slug: `clock`, `syscall`, `switch`, `cache-line`, `memcpy-64k` …
    pub name: String,
    /// What was done, in a few words.
    pub says: String,
    /// How long it takes, in ns.
    pub time: Estimate,
    /// The placements in which no round trip of a blocking (or, for `spin`, a spinning) mechanism can be faster.
    #[serde(default)]
    pub bounds: Vec<Placement>,
}

/// The machine, as far as it bears on figures.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Machine {
    /// The system's name, release and architecture, as `uname(2)` tells.
    pub system: String,
    /// The processor's model, if it is told.
    pub processor: Option<String>,
    /// How many processors this process may use.
    pub processors: usize,
    /// The two that were used: for the client, and for the server where that is placed apart.
    pub pinned: Option<(usize, usize)>,
    /// Everything else, in the order in which it should be read: idle driver, frequency governor, virtualisation,
    /// congestion control, pipe size, socket buffers, steal time …
    pub facts: Vec<Fact>,
}

/// Something about the machine that changes figures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// Its name, as the system calls it: `net.ipv4.tcp_congestion_control`.
    pub name: String,
    /// What it is set to; empty where that is not known.
    pub value: String,
    /// The file, call or variable that told it.
    #[serde(default)]
    pub source: String,
    /// Why it is not known, if it is not.
    #[serde(default)]
    pub absent: Option<String>,
    /// Whether it is another in every run, so that a difference says nothing: the load, say.
    #[serde(default)]
    pub fleeting: bool,
}

impl Machine {
    /// What is known by this name.
    #[must_use]
    pub fn fact(&self, name: &str) -> Option<&str> {
        let known = |fact: &&Fact| fact.name == name && fact.absent.is_none();
        self.facts.iter().find(known).map(|fact| fact.value.as_str())
    }
}

/// How the run was made.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Method {
    /// How many rounds were asked for.
    pub rounds: usize,
    /// The arm to which the ratios are taken.
    pub reference: String,
    /// How long each side was warmed up before the clock counted, in seconds.
    pub warm_up: f64,
    /// How long the timed part of a round lasts, in seconds.
    pub timed: f64,
    /// What reading the clock costs, in ns. It has been subtracted from every round trip.
    pub clock: f64,
    /// What was set on the mechanisms.
    pub tuning: Tuning,
    /// How many rounds were repeated because something else had used the processors.
    pub repeated: u32,
}

/// Something that makes figures less certain, or less comparable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// What is so.
    pub says: String,
    /// Why, or what it does to the figures, where that is known; else empty.
    pub cause: String,
    /// What would mend it, where something would; else empty.
    #[serde(default)]
    pub mend: String,
}
