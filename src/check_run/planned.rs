//! A run whose options are valid, ready to start.

use std::time::Instant;

use super::Results;
use super::scenes::PlayedScenes;
use crate::checks::Check;
use crate::deadline::{Interrupt, is_interrupted};
use crate::report::Heading;
use crate::runner::{self, Event, RunOptions};
use crate::scene::Scene;
use crate::server::{LaunchError, Spec};

/// A validated run of checks that has not started yet.
pub(crate) struct PlannedRun {
    pub(super) spec: Spec,
    pub(super) checks: Vec<&'static Check>,
    /// The scenes of the run, each with the value that stands for it among the checks.
    pub(super) scenes: Vec<(&'static Check, Scene)>,
    pub(super) options: RunOptions,
    pub(super) interrupt: Option<Interrupt>,
}

impl PlannedRun {
    /// Returns the checks of a planned run.
    #[cfg(feature = "cli")]
    pub fn checks(&self) -> &[&'static Check] {
        &self.checks
    }

    /// Returns the heading of the report about the run of checks.
    pub fn heading(&self) -> Heading {
        let files = self.scenes.iter().map(|(check, scene)| (check.id, scene.file().to_owned()));
        Heading { scenes: files.collect(), ..Heading::new(&self.spec, &self.options) }
    }

    /// Runs the planned checks, and calls `observe` with each event.
    pub fn run(&self, mut observe: impl FnMut(&Event<'_>)) -> Result<Results, LaunchError> {
        let began = Instant::now();
        let _entered = self.interrupt.as_ref().map(Interrupt::enter);
        let mut heading = self.heading();
        let observe = |event: &Event<'_>| {
            if let Event::Started(spec, _) = event {
                heading.spec = Spec::clone(spec);
            }
            observe(event);
        };
        let (spec, checks, options) = (&self.spec, &self.checks, &self.options);
        let results = if self.scenes.is_empty() {
            match runner::run_checks(spec, checks, options, observe) {
                Err(LaunchError::Interrupted) => Vec::new(),
                results => results?,
            }
        } else {
            runner::run_by(&PlayedScenes(&self.scenes), spec, checks, options, observe)
        };
        let (took, interrupted) = (began.elapsed(), is_interrupted());
        Ok(Results { heading, results, took, interrupted })
    }
}
