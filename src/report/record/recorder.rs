//! Turns the events of the runner into events of the stream, with their times.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use super::{CheckFinished, CheckStarted, Event, RunEnding, RunFinished, RunStarted, ServerRecord, VERSION};
use crate::checks::Check;
use crate::outcome::Outcome;
use crate::report::Heading;
use crate::runner::{self, Summary};
use crate::server::Spec;
use crate::sys;

/// Turns the events of one run of checks into events of the recorded stream.
#[derive(Debug)]
pub struct Recorder {
    heading: Heading,
    /// The ids of the run's checks.
    checks: Vec<String>,
    began: Instant,
    outcomes: Vec<Outcome>,
    has_started: bool,
}

impl Recorder {
    /// Creates the recorder of a run of `checks`. The recorded times count from this call.
    #[must_use]
    pub fn new(heading: Heading, checks: &[&'static Check]) -> Recorder {
        let checks = checks.iter().map(|check| check.id.to_owned()).collect();
        Recorder { heading, checks, began: Instant::now(), outcomes: Vec::new(), has_started: false }
    }

    /// Returns the event of the recorded stream for an event of the runner.
    pub fn event(&mut self, event: &runner::Event<'_>) -> Event {
        match event {
            runner::Event::Started(spec, _) => self.started(spec),
            runner::Event::CheckStarted(check) => {
                Event::CheckStarted(CheckStarted { check: check.id.into(), at_millis: self.millis() })
            }
            runner::Event::CheckFinished(result) => {
                self.outcomes.push(result.outcome);
                Event::CheckFinished(Box::new(CheckFinished::of(result, &self.heading, self.millis())))
            }
        }
    }

    fn started(&mut self, spec: &Spec) -> Event {
        self.has_started = true;
        Event::RunStarted(RunStarted {
            version: VERSION,
            echospec: env!("CARGO_PKG_VERSION").into(),
            system: sys::system_name(),
            unix_millis: unix_millis(),
            server: ServerRecord::of(spec),
            seed: self.heading.seed,
            checks: self.checks.clone(),
        })
    }

    /// Returns the last events of the recorded run. `error` says why the server could not be launched.
    pub fn finish(&mut self, interrupted: bool, error: Option<String>) -> Vec<Event> {
        let mut events = Vec::new();
        if !self.has_started {
            let spec = self.heading.spec.clone();
            events.push(self.started(&spec));
        }
        let ending = match (&error, interrupted) {
            (Some(_), _) => RunEnding::NotLaunched,
            (None, true) => RunEnding::Interrupted,
            (None, false) => RunEnding::Complete,
        };
        let summary = Summary::count(self.outcomes.iter().copied());
        events.push(Event::RunFinished(RunFinished { ending, error, summary, at_millis: self.millis() }));
        events
    }

    fn millis(&self) -> f64 {
        self.began.elapsed().as_secs_f64() * 1000.0
    }
}

fn unix_millis() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or_default()
}
