//! The rounds of a comparison.
//!
//! Each round measures every candidate at every placement once, in a new random order, so that a machine that drifts or
//! is disturbed affects all candidates alike.

use std::time::{Duration, Instant};

use nix::unistd::Pid;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use super::comparison::Placement;
use super::plan::Plan;
use super::session::disturbance::Disturbance;
use super::session::job::{Sample, Task, TaskResult};
use super::session::{SessionError, SessionSettings};
use super::statistics::shuffle;
use crate::deadline::is_interrupted;
use crate::sys::SystemCallCounter;

pub(in crate::bench) mod attempt;
pub mod progress;
pub(in crate::bench) mod time_budget;

use attempt::{Attempt, SessionPlan};
use progress::Progress;
use time_budget::{RESERVED_SHARE, TaskDurations, TimeBudget};

/// Maximum number of repetitions of a session that other processes disturbed.
const MAX_REPETITIONS: u32 = 2;

/// Number of failed sessions after which a candidate is no longer measured at a placement.
const MAX_FAILURES: u32 = 2;

/// The factor by which a comparison may exceed its time before remaining rounds are dropped.
const OVERTIME: f64 = 1.1;

/// The values that one task of a candidate measured in one round.
#[derive(Debug, Clone)]
pub(super) struct TaskSample {
    /// The index of the candidate that was measured.
    pub candidate: usize,
    pub placement: Placement,
    pub task: Task,
    pub round: usize,
    pub sample: Sample,
    pub repeated: u32,
    pub disturbance: Disturbance,
}

/// A planned measurement that has no result, and the reason.
#[derive(Debug, Clone)]
pub(super) struct NoResult {
    /// The index of the candidate without a result.
    pub candidate: usize,
    pub placement: Placement,
    pub task: Task,
    pub reason: String,
    /// True if the server failed, false if the mechanism cannot do what was to be measured.
    pub server_fault: bool,
}

/// The results of all rounds of a comparison.
#[derive(Debug, Default)]
pub(super) struct ScheduleResults {
    pub records: Vec<TaskSample>,
    /// The system calls counted before the rounds of a comparison: at most one record for each task.
    pub counted: Vec<TaskSample>,
    pub no_results: Vec<NoResult>,
    /// The indices of candidates that cannot be measured, with the reasons.
    pub unavailable: Vec<(usize, String)>,
    /// The number of sessions of a comparison, without repetitions.
    pub sessions: u32,
    /// The number of repeated sessions of a comparison.
    pub repeated: u32,
    /// The causes of disturbances of measurements that were left after the last repetition.
    pub disturbances: Vec<String>,
    /// The number of completed rounds of a comparison.
    pub rounds: usize,
}

/// The rounds of a comparison while they are measured.
pub(super) struct Schedule<'a> {
    pub plan: &'a Plan,
    pub settings: SessionSettings<'a>,
    pub sessions: Vec<SessionPlan<'a>>,
    pub log: ScheduleResults,
    pub on_progress: &'a mut dyn FnMut(&Progress),
    pub began: Instant,
    /// The time that is left for repetitions of disturbed sessions.
    spare: Duration,
    /// The time at which the remaining rounds of a comparison are dropped.
    end: Instant,
}

impl<'a> Schedule<'a> {
    /// Prepares to measure `sessions` of a comparison whose time began to run at `began`.
    pub fn new(
        plan: &'a Plan,
        settings: SessionSettings<'a>,
        sessions: Vec<SessionPlan<'a>>,
        began: Instant,
        on_progress: &'a mut dyn FnMut(&Progress),
    ) -> Schedule<'a> {
        let (log, spare) = (ScheduleResults::default(), Duration::ZERO);
        Schedule { plan, settings, sessions, log, on_progress, began, spare, end: began }
    }

    /// Measures every session of a comparison once, as briefly as possible, and divides the time that is left.
    ///
    /// This finds candidates that cannot be launched, tasks that fail, and the overhead of a session. It counts system
    /// calls as well, because the times of this pass are not used.
    pub fn calibrate(&mut self) -> TimeBudget {
        let mut overheads = self.measure_overheads();
        // The median ignores a server that hangs. It is not launched again, and takes no time from the others.
        overheads.sort();
        let session_overhead = overheads.get(overheads.len() / 2).copied().unwrap_or_default();
        self.sessions.retain(|session| !session.tasks.is_empty());
        let total = self.plan.time.saturating_sub(self.began.elapsed()).max(self.plan.time / 2);
        let tasks: Vec<_> = self.sessions.iter().map(|session| &session.tasks[..]).collect();
        let task = TaskDurations::divide_time(total, self.plan.rounds, &tasks, session_overhead);
        TimeBudget { total, task, session_overhead }
    }

    /// Counts the system calls of every session. Returns the time that each session took in addition to its tasks.
    fn measure_overheads(&mut self) -> Vec<Duration> {
        // Held during the whole pass: the kernel changes its code when the first counter is opened and when the last one
        // is closed, which takes long.
        let counter = SystemCallCounter::start(&[Pid::this()]);
        self.settings.count_calls = counter.is_ok();
        let mut overheads = Vec::new();
        for index in 0..self.sessions.len() {
            if is_interrupted() {
                break;
            }
            self.report(0, 0, Duration::ZERO, index);
            let (began, known) = (Instant::now(), self.log.counted.len());
            self.measure(index, None, TaskDurations::SHORTEST);
            let tasks: f64 = self.log.counted[known..].iter().map(|record| record.sample.seconds).sum();
            overheads.push(began.elapsed().saturating_sub(Duration::from_secs_f64(tasks)));
        }
        self.settings.count_calls = false;
        overheads
    }

    /// Measures every session of a comparison in every round.
    pub fn run(&mut self, budget: &TimeBudget) {
        let &TimeBudget { total: time, task, session_overhead } = budget;
        let rounds = u32::try_from(self.plan.rounds).unwrap_or(1);
        let round: Duration =
            self.sessions.iter().map(|session| task.session_duration(&session.tasks, session_overhead)).sum();
        let planned = round * rounds;
        let open_loops = task.open_loop_duration(self.sessions.iter().flat_map(|session| &session.tasks));
        self.end = Instant::now() + time.mul_f64(OVERTIME) + open_loops * rounds;
        self.spare = time.mul_f64(RESERVED_SHARE);
        let mut random = ChaCha8Rng::seed_from_u64(self.plan.seed);
        let mut order: Vec<usize> = (0..self.sessions.len()).collect();
        let (began, total) = (Instant::now(), order.len() * self.plan.rounds);
        for round in 0..self.plan.rounds {
            shuffle(&mut order, &mut random);
            for (place, &index) in order.iter().enumerate() {
                if is_interrupted() || (round > 0 && Instant::now() >= self.end) {
                    return;
                }
                let done = round * order.len() + place;
                let left = match done {
                    0 => planned,
                    _ => began.elapsed().mul_f64((total - done) as f64 / done as f64),
                };
                self.report(done, total, left, index);
                self.sessions[index].shuffle_tasks(&mut random);
                self.measure(index, Some(round), task);
            }
            self.log.rounds = round + 1;
        }
    }

    fn report(&mut self, done: usize, total: usize, left: Duration, index: usize) {
        let session = &self.sessions[index];
        let candidate = &self.plan.candidates[session.candidate].name;
        let current = format!("{candidate}, {}", session.placement.placement.name());
        let progress = Progress { done, total, left, current };
        (self.on_progress)(&progress);
        progress::publish_progress(Some(progress));
    }

    /// Measures all tasks of one session. Repeats the session if it was disturbed and the reserved time allows.
    fn measure(&mut self, index: usize, round: Option<usize>, times: TaskDurations) {
        let mut best = self.sessions[index].attempt(&self.settings, times);
        let mut repeated = 0;
        while repeated < MAX_REPETITIONS
            && best.is_worth_repeating()
            && !is_interrupted()
            && !self.spare.is_zero()
        {
            repeated += 1;
            let began = Instant::now();
            let again = self.sessions[index].attempt(&self.settings, times);
            self.spare = self.spare.saturating_sub(began.elapsed());
            best = best.or_less_disturbed(again);
        }
        self.log.sessions += u32::from(round.is_some());
        self.log.repeated += repeated;
        self.record(index, round, best, repeated);
    }

    fn record(&mut self, index: usize, round: Option<usize>, attempt: Attempt, repeated: u32) {
        for (task, result) in attempt.results {
            self.record_result(index, round, (task, result), (repeated, attempt.disturbance));
        }
        if let Some(cause) = attempt.disturbance.describe_cause().filter(|_| round.is_some()) {
            self.log.disturbances.push(cause);
        }
        match attempt.error {
            None | Some(SessionError::Interrupted) => {}
            Some(SessionError::Unsupported(reason)) => self.give_up(index, reason),
            Some(SessionError::Failed(reason)) => {
                self.sessions[index].failures += 1;
                if round.is_none() || self.sessions[index].failures > MAX_FAILURES {
                    self.give_up(index, reason);
                }
            }
        }
    }

    fn record_result(
        &mut self,
        index: usize,
        round: Option<usize>,
        (task, result): (Task, TaskResult),
        (repeated, disturbance): (u32, Disturbance),
    ) {
        let session = &mut self.sessions[index];
        let (candidate, placement) = (session.candidate, session.placement.placement);
        let (reason, server_fault) = match result {
            TaskResult::Measured(sample) => {
                let record = |round| TaskSample {
                    candidate,
                    placement,
                    task,
                    round,
                    sample: *sample,
                    repeated,
                    disturbance,
                };
                match round {
                    Some(round) => self.log.records.push(record(round)),
                    None => self.log.counted.push(record(0)),
                }
                return;
            }
            TaskResult::Unsupported(reason) => (format!("not possible: {reason}"), false),
            TaskResult::WrongBytes(what) => (format!("wrong bytes came back: {what}"), true),
            TaskResult::Failed(reason) => (reason, true),
        };
        session.tasks.retain(|other| !other.is_same_task(&task));
        self.log.no_results.push(NoResult { candidate, placement, task, reason, server_fault });
    }

    /// Stops measuring one candidate at one placement: removes all tasks of its session.
    fn give_up(&mut self, index: usize, reason: String) {
        let session = &mut self.sessions[index];
        self.log.unavailable.push((session.candidate, reason));
        session.tasks.clear();
    }
}
