//! One file for each format; each renders the same stream of events.

use std::io;

use crate::runner::{CheckResult, Event};
use crate::server::Spec;

mod human;
mod json;

pub use human::Human;
pub use json::Json;

/// What a report must know of a run before it begins.
#[derive(Debug, Clone)]
pub struct Heading {
    /// The server under test.
    pub spec: Spec,
    /// The seed of its payloads.
    pub seed: u64,
    /// The factor of its deadlines, if it is not 1.
    pub timeout_scale: Option<f64>,
}

/// How a run came to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// Every check had its turn.
    Complete,
    /// The user ended it.
    Interrupted,
    /// The server could not be launched, for this reason.
    NotLaunched(String),
}

/// A format of report.
pub trait Reporter {
    /// Something happened.
    ///
    /// # Errors
    /// Those of writing.
    fn event(&mut self, event: &Event<'_>) -> io::Result<()>;

    /// The run is over, complete or not.
    ///
    /// # Errors
    /// Those of writing.
    fn finish(&mut self, reports: &[CheckResult], ending: &Ending) -> io::Result<()>;
}

impl Heading {
    /// The one command that runs a check again as it was run.
    #[must_use]
    pub fn again(&self, id: &str) -> String {
        use crate::server::Start;
        let mut words =
            format!("echospec check {} --only {id} --seed {}", self.spec.transport().name, self.seed);
        if self.spec.start() != Start::Bind {
            words += &format!(" --start {}", self.spec.start().name());
        }
        if let Some(scale) = self.timeout_scale {
            words += &format!(" --timeout-scale {scale}");
        }
        format!("{words} -- {}", self.spec.command_line())
    }
}
