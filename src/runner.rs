//! Pairs a server with checks, runs them on a few workers, and tells what happens as a stream of events.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::check::{self, Finding};
use crate::checks::Check;
use crate::deadline::{Deadlines, interrupted};
use crate::outcome::Outcome;
use crate::server::{LaunchError, LaunchOptions, Leak, Server, Spec};

mod echoes;
mod habits;

use echoes::Echoes;
use habits::Habits;

/// What is found out of a server once, for all checks.
#[derive(Default)]
struct Nature {
    habits: Habits,
    echoes: Echoes,
}

/// How a run is to go.
#[derive(Debug, Clone)]
pub struct Options {
    /// Deadlines.
    pub deadlines: Deadlines,
    /// What the bytes of every payload are drawn from.
    pub seed: u64,
    /// How many checks run at the same time, each with a server of its own; at least one.
    pub jobs: usize,
    /// How often a check that is_failure the server is tried again, each time with a new one.
    pub retries: usize,
    /// What is known of the server.
    pub expectations: Arc<[Expectation]>,
}

/// A deviation that is known, and why.
#[derive(Debug, Clone)]
pub struct Expectation {
    /// The check's id.
    pub check: String,
    /// How it ends.
    pub outcome: Outcome,
    /// Why it does so.
    pub reason: String,
    /// Words of the report, if only one kind of failure is meant.
    pub message: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        // Most checks wait for most of their time.
        let jobs = 2 * thread::available_parallelism().map_or(2, usize::from);
        Options { deadlines: Deadlines::default(), seed: 0, jobs, retries: 0, expectations: Arc::new([]) }
    }
}

impl Options {
    fn launch(&self) -> LaunchOptions {
        LaunchOptions { deadlines: self.deadlines, seed: self.seed, ..LaunchOptions::default() }
    }
}

/// What one check found.
#[derive(Debug, Clone)]
pub struct Report {
    /// The check.
    pub check: &'static Check,
    /// How it ended.
    pub outcome: Outcome,
    /// What should have been seen; empty after a pass.
    pub expected: String,
    /// What was seen; empty after a pass.
    pub actual: String,
    /// The likely cause, where evidence tells.
    pub reason: String,
    /// The last lines that the server printed, if the check did not pass.
    pub server_output: Vec<String>,
    /// How long it took.
    pub took: Duration,
}

/// What happens in a run, in order.
#[derive(Debug)]
pub enum Event<'a> {
    /// The server has been launched once and became ready; these checks follow.
    Started(&'a [&'static Check]),
    /// A worker has begun a check.
    CheckStarted(&'static Check),
    /// A check has ended.
    CheckFinished(&'a Report),
}

/// How many checks ended in which way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Checks that were run or skipped.
    pub total: usize,
    /// As the sentence says.
    pub pass: usize,
    /// Wrong: fail, timeout, crash, leak, xpass.
    pub fail: usize,
    /// A SHOULD not met.
    pub warn: usize,
    /// A limit worth knowing.
    pub info: usize,
    /// Not run here: skipped or unsupported.
    pub skipped: usize,
    /// The harness could not do its work.
    pub broken: usize,
}

impl Summary {
    /// Counts `reports`.
    #[must_use]
    pub fn of(reports: &[Report]) -> Summary {
        let mut summary = Summary { total: reports.len(), ..Summary::default() };
        for report in reports {
            *summary.slot(report.outcome) += 1;
        }
        summary
    }

    fn slot(&mut self, outcome: Outcome) -> &mut usize {
        match outcome {
            Outcome::Pass | Outcome::Xfail => &mut self.pass,
            Outcome::Warn | Outcome::Flaky => &mut self.warn,
            Outcome::Info => &mut self.info,
            Outcome::Skipped | Outcome::Unsupported => &mut self.skipped,
            Outcome::Broken => &mut self.broken,
            Outcome::Fail | Outcome::Timeout | Outcome::Crash | Outcome::Leak | Outcome::Xpass => {
                &mut self.fail
            }
        }
    }
}

/// Runs `checks` against servers launched by `spec` and reports in the order of `checks`.
///
/// A first launch proves that the server starts at all. After that each check has a server of its own, so
/// that one check's damage is not another's. Interrupting (see [`crate::deadline::interrupt`]) ends the run
/// early; the checks that did not get their turn are missing from the result.
///
/// # Errors
/// The [`LaunchError`] of the first launch.
pub fn run(
    spec: &Spec,
    checks: &[&'static Check],
    options: &Options,
    mut observe: impl FnMut(&Event<'_>),
) -> Result<Vec<Report>, LaunchError> {
    let first = Server::launch(spec, options.launch());
    if let Err(LaunchError::Unsupported { output }) = &first {
        return Ok(all_unsupported(checks, output, observe));
    }
    drop(first?);
    observe(&Event::Started(checks));
    let queue = Mutex::new(checks.iter().copied().enumerate().collect::<VecDeque<_>>());
    let (tell, told) = channel();
    let nature = Nature::default();
    let mut reports = thread::scope(|scope| {
        for _ in 0..options.jobs.max(1) {
            let (queue, tell, nature) = (&queue, tell.clone(), &nature);
            scope.spawn(move || work(spec, options, nature, queue, &tell));
        }
        drop(tell);
        told.into_iter().filter_map(|news| hear(news, &mut observe)).collect::<Vec<_>>()
    });
    reports.sort_by_key(|(place, _)| *place);
    Ok(reports.into_iter().map(|(_, report)| report).collect())
}

/// The server itself says that this system lacks its mechanism.
fn all_unsupported(
    checks: &[&'static Check],
    output: &str,
    mut observe: impl FnMut(&Event<'_>),
) -> Vec<Report> {
    observe(&Event::Started(checks));
    let tell = |&check| {
        let mut report = Report::new(check);
        report.blame(Finding::unsupported("the server's mechanism", output));
        observe(&Event::CheckFinished(&report));
        report
    };
    checks.iter().map(tell).collect()
}

enum News {
    Began(&'static Check),
    Ended(usize, Report),
}

fn hear(news: News, observe: &mut impl FnMut(&Event<'_>)) -> Option<(usize, Report)> {
    match news {
        News::Began(check) => {
            observe(&Event::CheckStarted(check));
            None
        }
        News::Ended(place, report) => {
            observe(&Event::CheckFinished(&report));
            Some((place, report))
        }
    }
}

/// The checks that are being run now, and since when.
static UNDER_WAY: Mutex<Vec<(&'static str, Instant)>> = Mutex::new(Vec::new());

/// What is being run now, and for how long it has been, in one line.
#[must_use]
pub fn under_way() -> String {
    let running = UNDER_WAY.lock().unwrap_or_else(PoisonError::into_inner);
    let tell = |(id, began): &(&str, Instant)| format!("{id} for {:.1} s", began.elapsed().as_secs_f64());
    let list: Vec<_> = running.iter().map(tell).collect();
    if list.is_empty() { "no check is under way".into() } else { list.join(", ") }
}

type Queue = Mutex<VecDeque<(usize, &'static Check)>>;

fn work(spec: &Spec, options: &Options, nature: &Nature, queue: &Queue, tell: &Sender<News>) {
    while !interrupted() {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let Some((place, check)) = next else { return };
        let _ = tell.send(News::Began(check));
        let report = run_to_the_end(spec, check, options, nature);
        if !interrupted() {
            let _ = tell.send(News::Ended(place, report));
        }
    }
}

/// Runs one check until it passes or the retries are used up, and holds the result against what is known.
fn run_to_the_end(spec: &Spec, check: &'static Check, options: &Options, nature: &Nature) -> Report {
    let mut report = run_once(spec, check, options, nature);
    for retry in 1..=options.retries {
        if interrupted() || !report.outcome.is_failure() {
            break;
        }
        let again = run_once(spec, check, options, nature);
        if again.outcome == Outcome::Pass {
            report.reason =
                format!("{} at first, and passed at retry {retry}; {}", report.outcome, report.reason);
            report.outcome = Outcome::Flaky;
        }
    }
    report.meet(&options.expectations);
    report
}

/// Runs one check against a server of its own.
#[must_use]
pub fn run_one(spec: &Spec, check: &'static Check, options: &Options) -> Report {
    run_once(spec, check, options, &Nature::default())
}

fn run_once(spec: &Spec, check: &'static Check, options: &Options, nature: &Nature) -> Report {
    let began = Instant::now();
    let running = || UNDER_WAY.lock().unwrap_or_else(PoisonError::into_inner);
    running().push((check.id, began));
    let mut report = Report::new(check);
    match Server::launch(spec, options.launch()) {
        Err(error) => report.blame(Finding::broken("a server to check", error.to_string())),
        Ok(mut server) => {
            let stumbled = guarded(check, &mut server).map_err(|it| server.diagnose(it)).err();
            let found = stumbled.or_else(|| server.expect_alive().err());
            if found.is_some() {
                report.server_output = server.last_output();
            }
            // One of two servers at a time is enough for any machine.
            let left = server.shutdown().leaks;
            if let Some(finding) = found {
                report.blame(nature.echoes.excuse(check, finding, spec, options));
            } else if !left.is_empty() {
                report.account(left, |kind| nature.habits.include(kind, spec, options));
            }
        }
    }
    running().retain(|entry| *entry != (check.id, began));
    report.took = began.elapsed();
    report
}

/// A panic in a check is the harness's fault, and no reason to lose the other results.
fn guarded(check: &Check, server: &mut Server) -> check::Result {
    catch_unwind(AssertUnwindSafe(|| (check.run)(server))).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic");
        Err(Finding::broken("the check itself", text))
    })
}

impl Report {
    fn new(check: &'static Check) -> Report {
        Report {
            check,
            outcome: Outcome::Pass,
            expected: String::new(),
            actual: String::new(),
            reason: String::new(),
            server_output: Vec::new(),
            took: Duration::ZERO,
        }
    }

    /// What was expected is no news; what was expected and did not happen is.
    fn meet(&mut self, expectations: &[Expectation]) {
        let Some(known) = expectations.iter().find(|known| known.check == self.check.id) else { return };
        let says = |words: &String| self.actual.contains(words) || self.reason.contains(words);
        if self.outcome == Outcome::Pass {
            self.outcome = Outcome::Xpass;
            self.expected = format!("{}, as on record: {}", known.outcome, known.reason);
            self.actual = "it passes".into();
            self.reason = "take the entry out of the expectations file".into();
        } else if self.outcome == known.outcome && known.message.as_ref().is_none_or(says) {
            self.outcome = Outcome::Xfail;
            self.reason = format!("expected: {}", known.reason);
        }
    }

    /// A check that passed is to blame for what is left of the server, but not for what always is.
    fn account(&mut self, left: Vec<Leak>, is_habit: impl Fn(&str) -> bool) {
        let new = left.into_iter().filter(|remnant| !is_habit(remnant.kind));
        let new: Vec<_> = new.map(|remnant| remnant.name).collect();
        if !new.is_empty() {
            let reason = "the server leaves nothing of the kind after an ordinary client";
            self.blame(Finding::leak("nothing left once SIGTERM has ended the server", &new).because(reason));
        }
    }

    fn blame(&mut self, finding: Finding) {
        self.outcome = finding.outcome.at(self.check.level);
        self.expected = finding.expected;
        self.actual = finding.actual;
        self.reason = finding.reason;
        if matches!(finding.outcome, Outcome::Timeout | Outcome::Crash | Outcome::Leak)
            && self.outcome != finding.outcome
        {
            let colon = if self.reason.is_empty() { "" } else { ": " };
            self.reason = format!("{}{colon}{}", finding.outcome, self.reason);
        }
    }
}
