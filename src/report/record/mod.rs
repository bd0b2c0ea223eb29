//! The event stream of check runs: plain values that hold everything a report shows.
//!
//! Every format of report is rendered from these events, in a run or from a file of an earlier run. A file has one JSON
//! object a line. Several runs may follow each other in one stream; each begins with [`RunStarted`].

use crate::outcome::{Level, Outcome};
use crate::runner::Summary;
use crate::server::Rehearsal;

mod convert;
mod explain;
#[cfg(feature = "cli")]
mod file;
#[cfg(feature = "cli")]
mod recorder;
#[cfg(feature = "cli")]
mod runs;

#[cfg(feature = "cli")]
pub use file::{Events, read, schema};
#[cfg(feature = "cli")]
pub use recorder::Recorder;
#[cfg(feature = "cli")]
pub use runs::RunRecord;

/// The version of the format of event streams. A change that older readers cannot take raises it.
pub const VERSION: u32 = 1;

/// One event of a run of checks, as a line of the event stream.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "cli", derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema))]
#[cfg_attr(feature = "cli", serde(tag = "event", rename_all = "kebab-case"))]
pub enum Event {
    /// A run of checks begins.
    RunStarted(RunStarted),
    /// A check of the run begins.
    CheckStarted(CheckStarted),
    /// A check of the run has ended.
    CheckFinished(Box<CheckFinished>),
    /// A run of checks has ended.
    RunFinished(RunFinished),
}

/// The event that a run of checks begins, with the facts that are known then.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "cli", derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema))]
pub struct RunStarted {
    /// The version of the event stream's format.
    pub version: u32,
    /// The version of echospec that ran the checks.
    pub echospec: String,
    /// The operating system on which the checks ran, its version and the processor architecture.
    pub system: String,
    /// Milliseconds from 1970-01-01 00:00 UTC to the start of the run.
    pub unix_millis: u64,
    /// The server under test.
    pub server: ServerRecord,
    /// The seed of the payloads in the run.
    pub seed: u64,
    /// The ids of the checks of the run, in the order of `echospec list`.
    pub checks: Vec<String>,
}

/// The server under test, as the event stream describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "cli", derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema))]
pub struct ServerRecord {
    /// The name of the server in `echospec.toml`, if it has one.
    #[cfg_attr(feature = "cli", serde(default, skip_serializing_if = "Option::is_none"))]
    pub name: Option<String>,
    /// The shell-quoted command of the server under test, with its placeholders.
    pub command: String,
    /// The name of the transport by which clients reach the server.
    pub transport: String,
    /// The way in which the server under test is started: `bind`, `inetd`, …
    pub start: String,
    /// The name of the protocol that the server under test speaks.
    pub protocol: String,
    /// The properties of the server under test that a rehearsal found before the checks.
    #[cfg_attr(feature = "cli", serde(default, skip_serializing_if = "Option::is_none"))]
    pub rehearsal: Option<Rehearsal>,
}

/// The event that a check begins.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "cli", derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema))]
pub struct CheckStarted {
    /// The id of the check that begins.
    pub check: String,
    /// The time at which the check began, in milliseconds since the start of the run.
    pub at_millis: f64,
}

/// The event that a check has ended, with its result.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "cli", derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema))]
pub struct CheckFinished {
    /// The id of the check that has ended.
    pub check: String,
    /// The level of the check that has ended: MUST, SHOULD or MAY.
    pub level: Level,
    /// The sentence that states the property which the check verifies.
    pub sentence: String,
    /// The harm that a server without the verified property does.
    pub why: String,
    /// Standards and manual pages that demand or explain the verified property.
    pub citations: Vec<String>,
    /// The steps of the check, for a reader who repeats it by hand.
    pub recipe: String,
    /// The outcome of the check that has ended.
    pub outcome: Outcome,
    /// The behaviour that the check expected; empty after a pass.
    pub expected: String,
    /// The behaviour of the server that the check observed; empty after a pass.
    pub actual: String,
    /// The likely cause of a failure, or the reason why the check was not run.
    pub reason: String,
    /// The last lines that the server printed during the check, if the check did not pass.
    #[cfg_attr(feature = "cli", serde(default, skip_serializing_if = "Vec::is_empty"))]
    pub server_output: Vec<String>,
    /// The command that repeats the check on the same server.
    pub again: String,
    /// The time at which the check ended, in milliseconds since the start of the run.
    pub at_millis: f64,
    /// The time that the check took, in milliseconds.
    pub took_millis: f64,
    /// The timeline of the check: the steps of clients and server. Usually empty if the check passed.
    #[cfg_attr(feature = "cli", serde(default, skip_serializing_if = "Vec::is_empty"))]
    pub timeline: Vec<TimelineStep>,
}

/// One step of a client or a process in the timeline of a check.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "cli", derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema))]
pub struct TimelineStep {
    /// The time of the step, in milliseconds since the start of the check.
    pub at_millis: f64,
    /// The actor of a step: `client 1`, `process 4711`. Empty for a gap in the timeline.
    pub actor: String,
    /// The kind of the step, such as a connection or a signal.
    pub kind: StepKind,
    /// The step of a timeline in words, without the actor.
    pub text: String,
    /// The number of bytes that a step of a timeline moves.
    #[cfg_attr(feature = "cli", serde(default, skip_serializing_if = "Option::is_none"))]
    pub bytes: Option<usize>,
}

/// The kind of a step in a timeline, which determines how a diagram draws it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "cli", derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema))]
#[cfg_attr(feature = "cli", serde(rename_all = "kebab-case"))]
pub enum StepKind {
    /// The step that a client connects.
    Connect,
    /// The step that a client sends bytes to the server.
    Send,
    /// The step that a client receives bytes from the server.
    Receive,
    /// The step that a client receives the end of the bytes from the server.
    ReceiveEnd,
    /// The step that a client shuts down its sending direction.
    ShutDown,
    /// The step that a client closes its connection.
    Close,
    /// The step that a client resets its connection.
    Reset,
    /// The step that a process starts.
    Launch,
    /// The step that a process listens.
    Ready,
    /// The step that a signal is sent to a process.
    Signal,
    /// The step that a process has exited.
    Exit,
    /// The state of a process that still runs, blocked in the call that the text names.
    State,
    /// A step of any other kind.
    Other,
    /// A gap in a timeline, in place of steps that were left out.
    Gap,
}

/// The event that a run of checks has ended.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "cli", derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema))]
pub struct RunFinished {
    /// The way in which the run of checks ended.
    pub ending: RunEnding,
    /// The reason why the server of the run could not be launched.
    #[cfg_attr(feature = "cli", serde(default, skip_serializing_if = "Option::is_none"))]
    pub error: Option<String>,
    /// The number of checks that ended with each outcome.
    pub summary: Summary,
    /// The time at which the run ended, in milliseconds since its start.
    pub at_millis: f64,
}

/// The way in which a run of checks ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "cli", derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema))]
#[cfg_attr(feature = "cli", serde(rename_all = "kebab-case"))]
pub enum RunEnding {
    /// Every check of the run was run.
    Complete,
    /// The user interrupted the run of checks.
    Interrupted,
    /// The server of the run could not be launched.
    NotLaunched,
}
