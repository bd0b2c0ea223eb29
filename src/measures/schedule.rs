//! The rounds: in each, every contender is measured at every placement once, in an order drawn anew, so that a machine
//! that drifts or is disturbed treats all alike.

use std::time::{Duration, Instant};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use super::budget::Length;
use super::disturbance::Watch;
use super::job::{Answer, Sample, Task};
use super::placement::Site;
use super::progress::Progress;
use super::session::{self, Ending, Manner};
use super::statistics::shuffle;
use super::wish::Wish;
use crate::patience::interrupted;
use crate::server::Spec;

/// A disturbed session is repeated so often, and no more.
const REPEATS: u32 = 2;

/// One contender at one placement.
#[derive(Debug)]
pub(crate) struct Entry<'a> {
    /// Its place among the contenders.
    pub contender: usize,
    pub spec: &'a Spec,
    pub site: Site,
    /// What is still to be measured; what has failed for good is taken out.
    pub tasks: Vec<Task>,
}

/// What was measured of one task in one round.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    /// The place of its entry.
    pub entry: usize,
    pub task: Task,
    pub round: usize,
    pub sample: Sample,
    pub repeated: u32,
}

/// A task that has no figure, and why.
#[derive(Debug, Clone)]
pub(crate) struct Void {
    pub entry: usize,
    pub task: Task,
    pub why: String,
}

/// All that the rounds have told.
#[derive(Debug, Default)]
pub(crate) struct Log {
    pub records: Vec<Record>,
    pub voids: Vec<Void>,
    /// By contender: why it cannot be measured at all.
    pub refused: Vec<(usize, String)>,
    /// How many sessions were repeated, and how many were still disturbed at the last try.
    pub repeated: u32,
    pub disturbed: u32,
    pub sessions: u32,
    /// What disturbed them.
    pub causes: Vec<String>,
}

/// A run of rounds under way.
pub(crate) struct Rounds<'a, 'b> {
    pub wish: &'a Wish,
    pub entries: Vec<Entry<'a>>,
    pub log: Log,
    pub tell: &'b mut dyn FnMut(&Progress),
    pub began: Instant,
}

impl Rounds<'_, '_> {
    /// Measures every entry once, as shortly as possible: what cannot be launched or done shows, and what a session
    /// costs beside its tasks.
    pub fn scout(&mut self) -> Duration {
        let brief = Length { timed: Duration::from_millis(1), warm_up: Duration::ZERO };
        let began = Instant::now();
        for place in 0..self.entries.len() {
            if interrupted() {
                break;
            }
            self.report(0, place, Duration::ZERO);
            self.measure(place, None, brief);
        }
        let number = self.entries.len().max(1);
        self.entries.retain(|entry| !entry.tasks.is_empty());
        began.elapsed() / u32::try_from(number).unwrap_or(1)
    }
}
