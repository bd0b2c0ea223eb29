//! The events of a stream.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CheckFinished, ServerRecord};
use crate::runner::Summary;

/// The version of the event stream. A change that older readers cannot take raises it.
pub const VERSION: u32 = 1;

/// One event of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// A run begins.
    RunStarted(RunStarted),
    /// A check begins.
    CheckStarted(CheckStarted),
    /// A check has ended.
    CheckFinished(Box<CheckFinished>),
    /// A run has ended.
    RunFinished(RunFinished),
}

/// The facts about a run that are known when it begins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunStarted {
    /// The version of the event stream.
    pub version: u32,
    /// The version of echospec.
    pub echospec: String,
    /// The operating system, its version and the processor architecture.
    pub system: String,
    /// Milliseconds from 1970-01-01 00:00 UTC to the start of the run.
    pub unix_millis: u64,
    /// The server under test.
    pub server: ServerRecord,
    /// The seed of the payloads.
    pub seed: u64,
    /// The ids of the checks of the run, in the order of `echospec list`.
    pub checks: Vec<String>,
}

/// A check begins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CheckStarted {
    /// The id of the check.
    pub check: String,
    /// Milliseconds since the start of the run.
    pub at_millis: f64,
}

/// The end of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunFinished {
    /// The way in which the run ended.
    pub ending: RunEnding,
    /// The reason why the server could not be launched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The number of checks that ended in each way.
    pub summary: Summary,
    /// Milliseconds since the start of the run.
    pub at_millis: f64,
}

/// The way in which a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RunEnding {
    /// Every check was run.
    Complete,
    /// The user interrupted the run.
    Interrupted,
    /// The server could not be launched.
    NotLaunched,
}
