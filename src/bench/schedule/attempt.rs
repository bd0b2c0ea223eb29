//! One contender at one placement, and one try to measure it.

use rand_chacha::ChaCha8Rng;

use super::time_budget::Length;
use crate::bench::comparison::Measure;
use crate::bench::placement::Site;
use crate::bench::session::disturbance::Noise;
use crate::bench::session::job::{Answer, Task};
use crate::bench::session::{self, Ending, Manner};
use crate::bench::statistics::shuffle;
use crate::deadline::interrupted;
use crate::server::Spec;

/// What is measured in one session.
#[derive(Debug)]
pub(in crate::bench) struct Entry<'a> {
    /// Its place among the contenders.
    pub contender: usize,
    pub spec: &'a Spec,
    pub site: Site,
    /// What is to be measured; what has failed for good is taken out.
    pub tasks: Vec<Task>,
    /// How often a session could not be held at all.
    pub failures: u32,
}

/// What one try has told.
#[derive(Debug)]
pub(in crate::bench) struct Try {
    pub answers: Vec<(Task, Answer)>,
    /// Why there are no more answers.
    pub ending: Option<Ending>,
    /// What else used the processors meanwhile.
    pub noise: Noise,
}

impl Entry<'_> {
    /// Puts the tasks into another order. Connections come last: until then one client stays connected.
    pub fn mix(&mut self, source: &mut ChaCha8Rng) {
        shuffle(&mut self.tasks, source);
        self.tasks.sort_by_key(|task| task.measure == Measure::Connections);
    }

    /// Measures all tasks, with a new pair of processes after each task that broke its conversation off. What takes its
    /// time in any case is left out of a [brief](Length::BRIEF) try.
    pub fn attempt(&self, manner: &Manner<'_>, length: Length) -> Try {
        let wanted = self.tasks.iter().filter(|task| length != Length::BRIEF || task.rate.is_none());
        let mut left: Vec<_> = wanted.map(|task| task.lasting(length.timed, length.warm_up)).collect();
        let (mut answers, mut ending, mut noise) = (Vec::new(), None, Noise::default());
        while !left.is_empty() && ending.is_none() && !interrupted() {
            match session::hold_and_watch(self.spec, &self.site, &left, manner) {
                Ok((some, heard)) => {
                    noise = noise + heard;
                    answers.extend(left.drain(..some.len()).zip(some));
                }
                Err(error) => ending = Some(error),
            }
        }
        Try { answers, ending, noise }
    }
}

impl Try {
    /// Whether another try may tell more: figures came out, and something disturbed them.
    pub fn is_worth_repeating(&self) -> bool {
        let all_measured = self.answers.iter().all(|(_, answer)| matches!(answer, Answer::Measured(_)));
        self.ending.is_none() && all_measured && self.noise.cause().is_some()
    }

    /// The less disturbed of the two; but what went wrong is never forgotten for a better try.
    pub fn or_better(self, other: Try) -> Try {
        let failed =
            other.ending.is_none() && !other.answers.iter().all(|(_, it)| matches!(it, Answer::Measured(_)));
        if failed || other.ending.is_none() && other.noise.share() < self.noise.share() {
            other
        } else {
            self
        }
    }
}
