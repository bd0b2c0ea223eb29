//! Reports of a run of checks: one file for each format.

#[cfg(feature = "cli")]
use std::io;

use crate::runner::RunOptions;
#[cfg(feature = "cli")]
use crate::runner::{CheckResult, Event};
use crate::server::{Spec, Start};

#[cfg(feature = "cli")]
mod human;
#[cfg(feature = "cli")]
mod json;
mod text;

#[cfg(feature = "cli")]
pub use human::TerminalReport;
#[cfg(feature = "cli")]
pub use json::JsonReport;
pub use text::TextReport;

/// The facts about a run that are known before it begins.
#[derive(Debug, Clone)]
pub struct Heading {
    /// The server under test.
    pub spec: Spec,
    /// The seed of the payloads in the run.
    pub seed: u64,
    /// The factor that multiplies the deadlines of the run, if it is not 1.
    pub timeout_scale: Option<f64>,
}

/// The way in which a run of checks ended.
#[cfg(feature = "cli")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunEnding {
    /// Every check was run.
    Complete,
    /// The user interrupted the run.
    Interrupted,
    /// The server could not be launched, for this reason.
    NotLaunched(String),
}

/// A format of report, which receives the events of a run.
#[cfg(feature = "cli")]
pub trait Reporter {
    /// Receives an event of the run.
    ///
    /// # Errors
    /// Those of writing.
    fn event(&mut self, event: &Event<'_>) -> io::Result<()>;

    /// Completes the report, also of a run that was interrupted.
    ///
    /// # Errors
    /// Those of writing.
    fn finish(&mut self, results: &[CheckResult], ending: &RunEnding) -> io::Result<()>;
}

impl Heading {
    /// Creates the heading of a run of checks of `spec` with `options`.
    #[must_use]
    pub fn new(spec: &Spec, options: &RunOptions) -> Heading {
        let scale = options.launch.deadlines.scale();
        Heading {
            spec: spec.clone(),
            seed: options.launch.seed,
            timeout_scale: Some(scale).filter(|&scale| scale != 1.0),
        }
    }

    /// Returns the command that runs one check again with the same server and settings.
    #[must_use]
    pub fn repeat_command(&self, id: &str) -> String {
        let mut words =
            format!("echospec check {} --only {id} --seed {}", self.spec.transport().name, self.seed);
        if self.spec.start() != Start::Bind {
            words += &format!(" --start {}", self.spec.start().name());
        }
        if let Some(scale) = self.timeout_scale {
            words += &format!(" --timeout-scale {scale}");
        }
        format!("{words}{} -- {}", self.spec.options(), self.spec.command_line())
    }
}
