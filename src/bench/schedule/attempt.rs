//! The tasks of one candidate at one placement, and an attempt to measure them.

use rand_chacha::ChaCha8Rng;

use super::time_budget::TaskDurations;
use crate::bench::comparison::Measure;
use crate::bench::placement::ResolvedPlacement;
use crate::bench::session::disturbance::Disturbance;
use crate::bench::session::job::{Task, TaskResult};
use crate::bench::session::{self, SessionError, SessionSettings};
use crate::bench::statistics::shuffle;
use crate::deadline::is_interrupted;
use crate::server::Spec;

/// The tasks of one candidate at one placement, which are measured in one session per round.
#[derive(Debug)]
pub(in crate::bench) struct SessionPlan<'a> {
    /// The index of the candidate that a session measures.
    pub candidate: usize,
    pub spec: &'a Spec,
    pub placement: ResolvedPlacement,
    /// The measurements that a session still makes. A task that has failed is removed.
    pub tasks: Vec<Task>,
    /// The number of times that a session ended without any result.
    pub failures: u32,
}

/// The results of one attempt to measure the tasks of a session.
#[derive(Debug)]
pub(in crate::bench) struct Attempt {
    pub results: Vec<(Task, TaskResult)>,
    /// The error that ended an attempt early, so that its other tasks have no result.
    pub error: Option<SessionError>,
    /// The share of the processors' time that others used during an attempt to measure.
    pub disturbance: Disturbance,
}

impl SessionPlan<'_> {
    /// Puts the tasks of a session into a random order. Connections come last, so that one client stays connected
    /// until then.
    pub fn shuffle_tasks(&mut self, random: &mut ChaCha8Rng) {
        shuffle(&mut self.tasks, random);
        self.tasks.sort_by_key(|task| task.measure == Measure::Connections);
    }

    /// Measures all tasks of a session once. Begins a new session after each task that failed.
    ///
    /// A [brief](TaskDurations::SHORTEST) attempt leaves out open loops, which cannot be brief.
    pub fn attempt(&self, settings: &SessionSettings<'_>, times: TaskDurations) -> Attempt {
        let wanted = self.tasks.iter().filter(|task| times != TaskDurations::SHORTEST || task.rate.is_none());
        let mut left: Vec<_> = wanted.map(|task| task.with_durations(times.timed, times.warm_up)).collect();
        let (mut results, mut error, mut disturbance) = (Vec::new(), None, Disturbance::default());
        while !left.is_empty() && error.is_none() && !is_interrupted() {
            match session::run_monitored_session(self.spec, &self.placement, &left, settings) {
                Ok((some, observed)) => {
                    disturbance = disturbance + observed;
                    results.extend(left.drain(..some.len()).zip(some));
                }
                Err(other) => error = Some(other),
            }
        }
        Attempt { results, error, disturbance }
    }
}

impl Attempt {
    /// Returns whether to repeat an attempt to measure a session: all tasks were measured, but disturbed.
    pub fn is_worth_repeating(&self) -> bool {
        self.error.is_none() && self.all_measured() && self.disturbance.describe_cause().is_some()
    }

    /// Returns the less disturbed of two attempts to measure a session. Returns `other` in any case if one of its
    /// tasks failed, so that a failure is never lost.
    pub fn or_less_disturbed(self, other: Attempt) -> Attempt {
        let less_disturbed = other.disturbance.lost_share() < self.disturbance.lost_share();
        if other.error.is_none() && (!other.all_measured() || less_disturbed) { other } else { self }
    }

    fn all_measured(&self) -> bool {
        self.results.iter().all(|(_, result)| matches!(result, TaskResult::Measured(_)))
    }
}
