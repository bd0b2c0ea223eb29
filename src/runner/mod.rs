//! Runs checks against servers, several at a time, and reports each step as an event.
//!
//! | file | content |
//! |---|---|
//! | `event` | the events of a run |
//! | `options` | options of a run; expected failures |
//! | `result` | the result of one check, and a summary of many |
//! | `queue` | the checks that wait for a worker |
//! | `questions` | the questions of the rehearsal about one connection |
//! | `identify` | whether a server of unknown protocol echoes |
//! | `guess` | the built-in protocol that a server may speak |
//! | `rehearsal` | one dialogue with a fresh server, and what it can be asked |
//! | `rehearsed` | a server specification with what the rehearsal found |
//! | `parts` | the parts of a protocol file that the server does not answer as the file says |
//! | `pace` | whether the server lets each client wait |
//! | `baseline` | facts about a server that are found once, for all checks |
//! | `procedure` | how a check is run: its function, or a scene |
//! | `timeline` | the steps of one check, recorded while it runs |

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Instant;

use crate::check::{self, Finding};
use crate::checks::Check;
use crate::deadline::{Interrupt, is_interrupted};
use crate::outcome::Outcome;
use crate::server::{LaunchError, Server, Spec, Supervision};
use crate::text::count_with_noun;
use crate::trace::Trace;

mod absence;
mod baseline;
mod event;
mod guess;
mod identify;
mod options;
mod pace;
mod parts;
mod procedure;
mod questions;
mod queue;
mod rehearsal;
mod rehearsed;
mod result;
mod timeline;

use absence::Absence;
use baseline::Baseline;
pub use event::Event;
use event::WorkerEvent;
pub use options::{Expectation, RunOptions};
use procedure::FunctionOfCheck;
pub(crate) use procedure::{Body, Procedure};
use queue::{Queue, queue};
#[cfg(feature = "cli")]
pub(crate) use rehearsed::rehearse;
use rehearsed::rehearsed;
pub use result::{CheckResult, Repeated, Summary};
use timeline::Recorder;
pub use timeline::Timeline;

/// Runs `checks` against servers launched by `spec`, and returns the results in the order of `checks`.
///
/// A first launch shows that the server starts at all. Then each check has a server of its own, so that no
/// check suffers from the damage of another. When the calling thread's run is interrupted, the checks that have
/// not ended are missing from the results.
///
/// # Errors
/// The [`LaunchError`] of the first launch.
pub fn run_checks(
    spec: &Spec,
    checks: &[&'static Check],
    options: &RunOptions,
    observe: impl FnMut(&Event<'_>),
) -> Result<Vec<CheckResult>, LaunchError> {
    let _supervision = supervise(spec, options);
    let first = Server::launch(spec, options.launch.clone());
    if let Err(LaunchError::Unsupported { output }) = &first {
        return Ok(all_unsupported(spec, checks, output, observe));
    }
    let (spec, waits) = &rehearsed(spec, first?, options)?;
    let options = RunOptions { jobs: jobs(options, *waits), ..options.clone() };
    Ok(run_by(&FunctionOfCheck, spec, checks, &options, observe))
}

/// Supervises the processes that are launched from now on, if any are.
fn supervise(spec: &Spec, options: &RunOptions) -> Supervision {
    let launches = !spec.is_attached();
    Supervision::begin(launches && options.launch.subreaper, launches && options.launch.guard)
}

/// Runs `checks` by `procedure`. Nothing is launched before the first check.
pub(crate) fn run_by(
    procedure: &dyn Procedure,
    spec: &Spec,
    checks: &[&'static Check],
    options: &RunOptions,
    mut observe: impl FnMut(&Event<'_>),
) -> Vec<CheckResult> {
    let _supervision = Supervision::begin(options.launch.subreaper, options.launch.guard);
    observe(&Event::Started(spec, checks));
    // A server with a fixed address runs alone.
    let jobs = if spec.setup().fixed_address.is_some() { 1 } else { options.jobs.max(1) };
    let run = Run {
        procedure,
        spec,
        options,
        baseline: Baseline::default(),
        queue: queue(checks, jobs),
        failures: AtomicUsize::new(0),
        absence: Absence::default(),
    };
    let (sender, events) = channel();
    let (interrupt, trace) = (Interrupt::of_thread(), Trace::of_thread());
    let mut results = thread::scope(|scope| {
        for _ in 0..jobs {
            let (run, sender, interrupt, trace) = (&run, sender.clone(), &interrupt, &trace);
            scope.spawn(move || {
                let _run_of_caller = (interrupt.enter(), trace.enter());
                run.work(&sender);
            });
        }
        drop(sender);
        events.into_iter().filter_map(|event| event.report(&mut observe)).collect::<Vec<_>>()
    });
    results.sort_by_key(|(place, _)| *place);
    results.into_iter().map(|(_, result)| result).collect()
}

/// Returns how many checks run at the same time. A number that the user has chosen is not changed.
fn jobs(options: &RunOptions, server_waits: bool) -> usize {
    let usual = options.jobs == RunOptions::default().jobs;
    if server_waits && usual { options.jobs * pace::MORE_JOBS } else { options.jobs.max(1) }
}

/// Runs one check against a server of its own, without retries and expectations.
#[must_use]
pub fn run_one_check(spec: &Spec, check: &'static Check, options: &RunOptions) -> CheckResult {
    let run = Run {
        procedure: &FunctionOfCheck,
        spec,
        options,
        baseline: Baseline::default(),
        queue: queue(&[], 1),
        failures: AtomicUsize::new(0),
        absence: Absence::default(),
    };
    run.run_once(check)
}

/// Returns the result *unsupported* for all checks of a server which says that this system lacks its mechanism.
fn all_unsupported(
    spec: &Spec,
    checks: &[&'static Check],
    output: &str,
    mut observe: impl FnMut(&Event<'_>),
) -> Vec<CheckResult> {
    observe(&Event::Started(spec, checks));
    let report = |&check| {
        let mut result = CheckResult::pass(check);
        result.set_finding(Finding::unsupported("the server's mechanism", output));
        observe(&Event::CheckFinished(&result));
        result
    };
    checks.iter().map(report).collect()
}

/// The state that the workers of one run share.
struct Run<'a> {
    procedure: &'a dyn Procedure,
    spec: &'a Spec,
    options: &'a RunOptions,
    baseline: Baseline,
    queue: Queue,
    /// The number of checks of the run that have failed so far.
    failures: AtomicUsize,
    absence: Absence,
}

impl Run<'_> {
    /// Runs checks from the queue until the queue is empty.
    fn work(&self, events: &Sender<WorkerEvent>) {
        while !is_interrupted() {
            let next = self.queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            let Some((place, check)) = next else { return };
            let _ = events.send(WorkerEvent::Started(check));
            let result = self.skip_after_failures(check).unwrap_or_else(|| self.run_with_retries(check));
            if result.outcome.is_failure() {
                self.failures.fetch_add(1, Ordering::Relaxed);
            }
            if !is_interrupted() {
                let _ = events.send(WorkerEvent::Finished(place, Box::new(result)));
            }
        }
    }

    /// Returns the result of a check that is skipped because enough others have failed.
    fn skip_after_failures(&self, check: &'static Check) -> Option<CheckResult> {
        let max = self.options.max_failures?.get();
        (self.failures.load(Ordering::Relaxed) >= max).then(|| {
            let mut result = CheckResult::pass(check);
            let failed = count_with_noun(max, "check");
            result.set_finding(Finding::skipped(format!(
                "{failed} failed before, as many as --max-fail allows"
            )));
            result
        })
    }

    /// Runs one check until it passes or no retry is left, and compares the result with the expectations.
    fn run_with_retries(&self, check: &'static Check) -> CheckResult {
        let mut result = self.run_repeatedly(check);
        for retry in 1..=self.options.retries {
            if is_interrupted() || !result.outcome.is_failure() {
                break;
            }
            if self.run_once(check).outcome == Outcome::Pass {
                result.set_flaky(retry);
            }
        }
        result.apply_expectation(&self.options.expectations);
        result
    }

    /// Runs one check as often as the options say. Returns the first result that is no pass, or else the last one, with
    /// the number of runs that passed. A check that does not apply runs once.
    fn run_repeatedly(&self, check: &'static Check) -> CheckResult {
        let mut result = self.run_once(check);
        if self.options.repeat == 1 || result.outcome.was_not_asked() {
            return result;
        }
        let mut repeated = Repeated { runs: 1, passed: usize::from(result.outcome == Outcome::Pass) };
        let (mut first, mut took) = (1, result.took);
        while repeated.runs < self.options.repeat && !is_interrupted() {
            let next = self.run_once(check);
            if next.outcome.was_not_asked() {
                break;
            }
            repeated.runs += 1;
            repeated.passed += usize::from(next.outcome == Outcome::Pass);
            took += next.took;
            if result.outcome == Outcome::Pass {
                (result, first) = (next, repeated.runs);
            }
        }
        if result.outcome != Outcome::Pass {
            let before = if result.reason.is_empty() { "" } else { "\n" };
            result.reason = format!("{repeated}; this was run {first}{before}{}", result.reason);
        }
        CheckResult { took, repeated: Some(repeated), ..result }
    }

    fn run_once(&self, check: &'static Check) -> CheckResult {
        let began = Instant::now();
        let mut result = CheckResult::pass(check);
        if let Some(reason) = self.spec.why_missing(check.requires) {
            result.set_finding(Finding::unsupported("", "").because(reason));
            return result;
        }
        if let Some(finding) = self.absence.known() {
            result.set_finding(finding);
            return result;
        }
        let recorder = Recorder::new();
        let launch = self.options.launch.clone();
        recorder.record(|| match self.procedure.prepare(check, self.spec, launch) {
            Err(LaunchError::Unsupported { output }) => {
                result.set_finding(Finding::unsupported("the server's mechanism", output));
            }
            Err(error @ LaunchError::Unreachable { .. }) => {
                result.set_finding(self.absence.of_server(&error));
            }
            Err(error) => result.set_finding(Finding::broken("a server to check", error.to_string())),
            Ok((server, body)) => self.run_against(server, body, &mut result),
        });
        if result.outcome != Outcome::Pass || self.options.keep_all_timelines {
            result.timeline = recorder.timeline();
        }
        result.took = began.elapsed();
        result
    }

    fn run_against(&self, mut server: Server, body: Body<'_>, result: &mut CheckResult) {
        let check = result.check;
        let failed = call(body, &mut server).map_err(|finding| server.diagnose(finding)).err();
        let finding = failed.or_else(|| server.expect_alive().err());
        if finding.is_some() {
            result.server_output = server.last_output();
            server.trace_states();
        }
        // Shut down first: the baseline may launch another server, and one at a time is enough for any machine.
        let leaks = server.shutdown().leaks;
        if let Some(finding) = finding {
            self.absence.note(&finding);
            result.set_finding(self.baseline.skip_unless_echo_server(
                check,
                finding,
                self.spec,
                &self.options.launch,
            ));
        } else if !leaks.is_empty() {
            result
                .set_leaks(leaks, |kind| self.baseline.usually_leaks(kind, self.spec, &self.options.launch));
        }
    }
}

/// Calls the body of a check. A panic is a fault of the harness; the other checks still run.
fn call(body: Body<'_>, server: &mut Server) -> check::Result {
    catch_unwind(AssertUnwindSafe(|| body(server))).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic");
        Err(Finding::broken("the check itself", text))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::LONG_CHECK_IDS;
    use crate::checks::all_checks;

    #[test]
    fn several_workers_begin_with_the_longest_checks() {
        let checks: Vec<_> = all_checks().collect();
        let ids = |jobs| queue(&checks, jobs).into_inner().unwrap().into_iter().map(|(_, check)| check.id);
        assert!(ids(1).eq(checks.iter().map(|check| check.id)));
        assert!(ids(2).take(LONG_CHECK_IDS.len()).eq(LONG_CHECK_IDS.iter().copied()));
        assert_eq!(ids(2).len(), checks.len());
    }
}
