//! The event stream of check runs: plain values that hold everything a report shows.
//!
//! Every format of report is rendered from these events, in a run or from a file of an earlier run. A file has one JSON
//! object a line. Several runs may follow each other in one stream; each begins with a `RunStarted`.

use crate::outcome::{Level, Outcome};
use crate::runner::Repeated;
use crate::server::Rehearsal;

mod convert;
#[cfg(feature = "cli")]
mod event;
mod explain;
#[cfg(feature = "cli")]
mod file;
#[cfg(feature = "cli")]
mod recorder;
#[cfg(feature = "cli")]
mod runs;

#[cfg(feature = "cli")]
pub use event::{CheckStarted, Event, RunEnding, RunFinished, RunStarted, VERSION};
pub(crate) use explain::{NotRun, not_run};
#[cfg(feature = "cli")]
pub use file::{Events, read, schema};
#[cfg(feature = "cli")]
pub use recorder::Recorder;
#[cfg(feature = "cli")]
pub use runs::RunRecord;

/// The server under test.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "cli", derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema))]
pub struct ServerRecord {
    /// The name of the server in `echospec.toml`, if it has one.
    #[cfg_attr(feature = "cli", serde(default, skip_serializing_if = "Option::is_none"))]
    pub name: Option<String>,
    /// The command of the server, quoted for a shell, with its placeholders; for a server that was running already,
    /// its address.
    pub command: String,
    /// The name of the transport.
    pub transport: String,
    /// The way in which the server is started: `bind`, `inetd`, …; `attach` for a server that was running already.
    pub start: String,
    /// The name of the protocol that the clients speak.
    pub protocol: String,
    /// The protocol as the user named it on the command line, if that is another text: a file, for instance.
    #[cfg_attr(feature = "cli", serde(default, skip_serializing_if = "Option::is_none"))]
    pub protocol_argument: Option<String>,
    /// The properties of the server that a rehearsal found.
    #[cfg_attr(feature = "cli", serde(default, skip_serializing_if = "Option::is_none"))]
    pub rehearsal: Option<Rehearsal>,
    /// The checks of the server's transport and protocol that a server which was running already cannot be asked.
    #[cfg_attr(feature = "cli", serde(default, skip_serializing_if = "Vec::is_empty"))]
    pub left_out: Vec<LeftOut>,
}

/// Checks that are left out of a run because they need something that the harness does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "cli", derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema))]
pub struct LeftOut {
    /// The number of checks that are left out.
    pub checks: usize,
    /// The thing that the checks need.
    pub needed: String,
}

/// A check and its result.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "cli", derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema))]
pub struct CheckFinished {
    /// The id of the check.
    pub check: String,
    /// The level of the check.
    pub level: Level,
    /// The sentence that states the property.
    pub sentence: String,
    /// The harm that a server without this property does.
    pub why: String,
    /// Standards and manual pages that demand or explain the property.
    pub citations: Vec<String>,
    /// The steps of the check, for a reader who repeats it by hand.
    pub recipe: String,
    /// The outcome of the check.
    pub outcome: Outcome,
    /// The expected behaviour; empty after a pass.
    pub expected: String,
    /// The observed behaviour; empty after a pass.
    pub actual: String,
    /// The likely cause, or the reason why the check was not run.
    pub reason: String,
    /// The last lines that the server printed, if the check did not pass.
    #[cfg_attr(feature = "cli", serde(default, skip_serializing_if = "Vec::is_empty"))]
    pub server_output: Vec<String>,
    /// The command that repeats the check.
    pub again: String,
    /// Milliseconds since the start of the run.
    pub at_millis: f64,
    /// The time that the check took, in milliseconds.
    pub took_millis: f64,
    /// The number of runs of a check that was to run more than once.
    #[cfg_attr(feature = "cli", serde(default, skip_serializing_if = "Option::is_none"))]
    pub repeated: Option<Repeated>,
    /// The steps of clients and server, if the check did not pass.
    #[cfg_attr(feature = "cli", serde(default, skip_serializing_if = "Vec::is_empty"))]
    pub timeline: Vec<TimelineStep>,
}

/// One step of a client or a process.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "cli", derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema))]
pub struct TimelineStep {
    /// Milliseconds since the start of the check.
    pub at_millis: f64,
    /// The actor: `client 1`, `process 4711`. Empty for a gap in the timeline.
    pub actor: String,
    /// The kind of the step.
    pub kind: StepKind,
    /// The step in words, without the actor.
    pub text: String,
    /// The number of bytes that the step moves.
    #[cfg_attr(feature = "cli", serde(default, skip_serializing_if = "Option::is_none"))]
    pub bytes: Option<usize>,
}

/// The kind of a step, which determines how a diagram draws it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "cli", derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema))]
#[cfg_attr(feature = "cli", serde(rename_all = "kebab-case"))]
pub enum StepKind {
    /// A client connects.
    Connect,
    /// Bytes from a client to the server.
    Send,
    /// Bytes from the server to a client.
    Receive,
    /// The end of the bytes from the server to a client.
    ReceiveEnd,
    /// A client shuts down its sending direction.
    ShutDown,
    /// A client closes.
    Close,
    /// A client resets its connection.
    Reset,
    /// A process starts.
    Launch,
    /// A process listens.
    Ready,
    /// A signal is sent to a process.
    Signal,
    /// A process has exited.
    Exit,
    /// A process still runs, blocked in the call that the text names.
    State,
    /// Anything else.
    Other,
    /// Steps that were left out.
    Gap,
}
