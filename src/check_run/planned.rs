//! A run whose options are valid, ready to start.

use std::time::Instant;

use super::Results;
use crate::checks::Check;
use crate::deadline::{Interrupt, interrupted};
use crate::report::Heading;
use crate::runner::{self, Event, Options};
use crate::server::{LaunchError, Spec};

/// A valid run, ready to start.
pub(crate) struct PlannedRun {
    pub(super) spec: Spec,
    pub(super) checks: Vec<&'static Check>,
    pub(super) options: Options,
    pub(super) interrupt: Option<Interrupt>,
}

impl PlannedRun {
    /// The heading of its report.
    pub fn heading(&self) -> Heading {
        Heading::new(&self.spec, &self.options)
    }

    /// Runs the checks, and calls `observe` with each event.
    pub fn run(&self, observe: impl FnMut(&Event<'_>)) -> Result<Results, LaunchError> {
        let began = Instant::now();
        let _entered = self.interrupt.as_ref().map(Interrupt::enter);
        let results = match runner::run(&self.spec, &self.checks, &self.options, observe) {
            Err(LaunchError::Interrupted) => Vec::new(),
            results => results?,
        };
        let (took, interrupted) = (began.elapsed(), interrupted());
        Ok(Results { heading: self.heading(), results, took, interrupted })
    }
}
