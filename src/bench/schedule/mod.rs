//! The rounds: in each, every contender is measured at every placement once, in an order drawn anew, so that a machine
//! that drifts or is disturbed treats all alike.

use std::time::{Duration, Instant};

use nix::unistd::Pid;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use super::comparison::Placement;
use super::plan::Wish;
use super::session::{Ending, Manner};
use super::statistics::shuffle;
use crate::bench::session::disturbance::Noise;
use crate::bench::session::job::{Answer, Sample, Task};
use crate::deadline::interrupted;
use crate::sys::SystemCallCounter;

pub(in crate::bench) mod attempt;
pub mod progress;
pub(in crate::bench) mod time_budget;

use attempt::{Entry, Try};
use progress::Progress;
use time_budget::{Length, RESERVE};

/// A disturbed session is repeated so often, and no more.
const REPEATS: u32 = 2;

/// A session that cannot be held at all, for a reason that may pass, is put off so often.
const FAILURES: u32 = 2;

/// How much longer than it was given a run may take before it makes do with fewer rounds.
const OVERTIME: f64 = 1.1;

impl Length {
    /// What the open loops of one round need on top of the rest.
    fn open_loops(self, entries: &[Entry<'_>]) -> Duration {
        let tasks = entries.iter().flat_map(|entry| &entry.tasks).filter(|task| task.rate.is_some());
        tasks.map(|task| task.lasting(self.timed, self.warm_up)).map(|task| task.timed + task.warm_up).sum()
    }
}

/// What was measured of one task in one round.
#[derive(Debug, Clone)]
pub(in crate::bench) struct Record {
    /// The place of its contender.
    pub contender: usize,
    pub placement: Placement,
    pub task: Task,
    pub round: usize,
    pub sample: Sample,
    pub repeated: u32,
    /// What else used the processors during its session.
    pub noise: Noise,
}

/// A task that has no figure, and why.
#[derive(Debug, Clone)]
pub(in crate::bench) struct Void {
    pub contender: usize,
    pub placement: Placement,
    pub task: Task,
    pub why: String,
    /// Whether the server did wrong.
    pub fault: bool,
}

/// All that the rounds have told.
#[derive(Debug, Default)]
pub(in crate::bench) struct Log {
    pub records: Vec<Record>,
    /// What was counted while nothing was timed: one of each task at most.
    pub counted: Vec<Record>,
    pub voids: Vec<Void>,
    /// By contender: why it cannot be measured at all.
    pub refused: Vec<(usize, String)>,
    /// How many sessions were held, and how often one was repeated.
    pub sessions: u32,
    pub repeated: u32,
    /// What disturbed those that were still disturbed at their last try.
    pub disturbances: Vec<String>,
    /// How many rounds were begun.
    pub rounds: usize,
}

/// A run of rounds under way.
pub(in crate::bench) struct Rounds<'a> {
    pub wish: &'a Wish,
    pub manner: Manner<'a>,
    pub entries: Vec<Entry<'a>>,
    pub log: Log,
    pub tell: &'a mut dyn FnMut(&Progress),
    /// When all of it began.
    pub began: Instant,
    /// What is left of the time that was kept back for disturbed sessions.
    pub spare: Duration,
    /// When rounds that are not over are given up.
    pub time_is_up: Instant,
}

/// How the time is used.
#[derive(Debug)]
pub(in crate::bench) struct Plan {
    /// What all rounds may take, open loops aside.
    pub time: Duration,
    /// What each measurement may take of it.
    pub length: Length,
    /// What a session costs beside its tasks.
    pub overhead: Duration,
}

impl Rounds<'_> {
    /// Measures every entry once, as shortly as possible: what cannot be launched or done shows, and what a session
    /// costs beside its tasks. System calls are counted meanwhile, since nothing is timed. Then shares out the time that
    /// is left.
    pub fn scout(&mut self) -> Plan {
        let mut costs = self.visit_all();
        // The middle one: a server that hangs once is not asked again.
        costs.sort();
        let overhead = costs.get(costs.len() / 2).copied().unwrap_or_default();
        self.entries.retain(|entry| !entry.tasks.is_empty());
        // Nor does it take the time of the others.
        let time = self.wish.time.saturating_sub(self.began.elapsed()).max(self.wish.time / 2);
        let tasks: Vec<_> = self.entries.iter().map(|entry| &entry.tasks[..]).collect();
        Plan { time, length: Length::share(time, self.wish.rounds, &tasks, overhead), overhead }
    }

    /// Counts what each entry does, and answers with what each session cost beside that.
    fn visit_all(&mut self) -> Vec<Duration> {
        // Held throughout: the first to count and the last to stop have the kernel change its code, which takes long.
        let counter = SystemCallCounter::start(&[Pid::this()]);
        self.manner.count = counter.is_ok();
        let mut costs = Vec::new();
        for place in 0..self.entries.len() {
            if interrupted() {
                break;
            }
            self.report(0, 0, Duration::ZERO, place);
            let (began, known) = (Instant::now(), self.log.counted.len());
            self.visit(place, None, Length::BRIEF);
            let tasks: f64 = self.log.counted[known..].iter().map(|record| record.sample.seconds).sum();
            costs.push(began.elapsed().saturating_sub(Duration::from_secs_f64(tasks)));
        }
        self.manner.count = false;
        costs
    }

    /// Measures every entry in every round.
    pub fn run(&mut self, plan: &Plan) {
        let &Plan { time, length, overhead } = plan;
        let rounds = u32::try_from(self.wish.rounds).unwrap_or(1);
        let each: Duration = self.entries.iter().map(|entry| length.session(&entry.tasks, overhead)).sum();
        let planned = each * rounds;
        let allowed = time.mul_f64(OVERTIME) + length.open_loops(&self.entries) * rounds;
        self.time_is_up = Instant::now() + allowed;
        self.spare = time.mul_f64(RESERVE);
        let mut source = ChaCha8Rng::seed_from_u64(self.wish.seed);
        let mut order: Vec<usize> = (0..self.entries.len()).collect();
        let (began, total) = (Instant::now(), order.len() * self.wish.rounds);
        for round in 0..self.wish.rounds {
            shuffle(&mut order, &mut source);
            for (place, &entry) in order.iter().enumerate() {
                if interrupted() || (round > 0 && !self.has_time()) {
                    return;
                }
                let done = round * order.len() + place;
                let left = match done {
                    0 => planned,
                    _ => began.elapsed().mul_f64((total - done) as f64 / done as f64),
                };
                self.report(done, total, left, entry);
                self.entries[entry].mix(&mut source);
                self.visit(entry, Some(round), length);
            }
            self.log.rounds = round + 1;
        }
    }

    fn report(&mut self, done: usize, total: usize, left: Duration, entry: usize) {
        let entry = &self.entries[entry];
        let says = format!("{}, {}", self.wish.contenders[entry.contender].name, entry.site.placement.name());
        let progress = Progress { done, total, left, says };
        (self.tell)(&progress);
        progress::note(Some(progress));
    }

    /// Measures one entry, undisturbed if that is to be had in the time that was kept back for it.
    fn visit(&mut self, place: usize, round: Option<usize>, length: Length) {
        let mut best = self.entries[place].attempt(&self.manner, length);
        let mut repeated = 0;
        while repeated < REPEATS && best.is_worth_repeating() && !interrupted() && !self.spare.is_zero() {
            repeated += 1;
            let began = Instant::now();
            let again = self.entries[place].attempt(&self.manner, length);
            self.spare = self.spare.saturating_sub(began.elapsed());
            best = best.or_better(again);
        }
        self.log.sessions += u32::from(round.is_some());
        self.log.repeated += repeated;
        self.settle(place, round, best, repeated);
    }

    fn has_time(&self) -> bool {
        Instant::now() < self.time_is_up
    }

    fn settle(&mut self, place: usize, round: Option<usize>, tried: Try, repeated: u32) {
        for (task, answer) in tried.answers {
            self.take(place, round, (task, answer), (repeated, tried.noise));
        }
        if let Some(cause) = tried.noise.cause().filter(|_| round.is_some()) {
            self.log.disturbances.push(cause);
        }
        match tried.ending {
            None | Some(Ending::Interrupted) => {}
            Some(Ending::Unsupported(why)) => self.refuse(place, why),
            Some(Ending::Failed(why)) => {
                self.entries[place].failures += 1;
                if round.is_none() || self.entries[place].failures > FAILURES {
                    self.refuse(place, why);
                }
            }
        }
    }

    fn take(
        &mut self,
        place: usize,
        round: Option<usize>,
        (task, answer): (Task, Answer),
        (repeated, noise): (u32, Noise),
    ) {
        let entry = &mut self.entries[place];
        let (contender, placement) = (entry.contender, entry.site.placement);
        let (why, fault) = match answer {
            Answer::Measured(sample) => {
                let record =
                    |round| Record { contender, placement, task, round, sample: *sample, repeated, noise };
                match round {
                    Some(round) => self.log.records.push(record(round)),
                    None => self.log.counted.push(record(0)),
                }
                return;
            }
            Answer::Impossible(why) => (format!("not possible: {why}"), false),
            Answer::Wrong(what) => (format!("wrong bytes came back: {what}"), true),
            Answer::Broken(how) => (how, true),
        };
        entry.tasks.retain(|other| !other.is_like(&task));
        self.log.voids.push(Void { contender, placement, task, why, fault });
    }

    /// Nothing more is asked of this entry.
    fn refuse(&mut self, place: usize, why: String) {
        let entry = &mut self.entries[place];
        self.log.refused.push((entry.contender, why));
        entry.tasks.clear();
    }
}
