//! The workers of a run: each takes a task from the queue, and runs its checks.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::Sender;
use std::time::Instant;

use super::event::WorkerEvent;
use super::handover::Handover;
use super::queue::{Queue, Task};
use super::timeline::Recorder;
use super::{Absence, Baseline, Body, CheckResult, Procedure, Repeated, RunOptions};
use crate::check::{self, Finding};
use crate::checks::Check;
use crate::deadline::is_interrupted;
use crate::outcome::Outcome;
use crate::server::{LaunchError, Leak, Server, Spec};
use crate::text::count_with_noun;

/// The state that the workers of one run share.
pub(super) struct Run<'a> {
    pub procedure: &'a dyn Procedure,
    pub spec: &'a Spec,
    pub options: &'a RunOptions,
    pub baseline: Baseline,
    pub queue: Queue,
    /// The number of checks of the run that have failed so far.
    pub failures: AtomicUsize,
    pub absence: Absence,
}

impl Run<'_> {
    /// Runs checks from the queue until the queue is empty.
    pub fn work(&self, events: &Sender<WorkerEvent>) {
        while !is_interrupted() {
            let next = self.queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            let Some(task) = next else { return };
            self.run_task(&task, events);
        }
    }

    /// Runs the checks of `task`. The result of a check whose server is handed over is sent when it is known what that
    /// server leaves behind, or when another check has used it.
    fn run_task(&self, task: &Task, events: &Sender<WorkerEvent>) {
        let mut handover = Handover::new(task.len() > 1);
        let mut unsent = None;
        for &(place, check) in task {
            if is_interrupted() {
                return;
            }
            let _ = events.send(WorkerEvent::Started(check));
            let skipped = self.skip_after_failures(check);
            let result = skipped.unwrap_or_else(|| self.run_with_retries(check, &mut handover));
            if handover.is_from(check) {
                unsent.replace((place, result)).into_iter().for_each(|earlier| self.finish(earlier, events));
            } else {
                self.finish((place, result), events);
            }
        }
        let Some((place, mut result)) = unsent else { return };
        let leaks = handover.take().map(|server| server.shutdown().leaks);
        self.set_leaks(leaks.unwrap_or_default(), &mut result);
        self.finish((place, result), events);
    }

    /// Compares a result with the expectations, counts it, and sends it, unless the run was interrupted.
    fn finish(&self, (place, mut result): (usize, CheckResult), events: &Sender<WorkerEvent>) {
        result.apply_expectation(&self.options.expectations);
        if result.outcome.is_failure() {
            self.failures.fetch_add(1, Ordering::Relaxed);
        }
        if !is_interrupted() {
            let _ = events.send(WorkerEvent::Finished(place, Box::new(result)));
        }
    }

    /// Returns the result of a check that is skipped because enough others have failed.
    fn skip_after_failures(&self, check: &'static Check) -> Option<CheckResult> {
        let max = self.options.max_failures?.get();
        (self.failures.load(Ordering::Relaxed) >= max).then(|| {
            let failed = count_with_noun(max, "check");
            let reason = format!("{failed} failed before, as many as --max-fail allows");
            CheckResult::of(check, Finding::skipped(reason))
        })
    }

    /// Runs one check until it passes or no retry is left.
    fn run_with_retries(&self, check: &'static Check, handover: &mut Handover) -> CheckResult {
        let mut result = self.run_repeatedly(check, handover);
        for retry in 1..=self.options.retries {
            if is_interrupted() || !result.outcome.is_failure() {
                break;
            }
            if self.run_once(check, &mut Handover::none()).outcome == Outcome::Pass {
                result.set_flaky(retry);
            }
        }
        result
    }

    /// Runs one check as often as the options say. Returns the first result that is no pass, or else the last one, with
    /// the number of runs that passed. A check that does not apply runs once.
    fn run_repeatedly(&self, check: &'static Check, handover: &mut Handover) -> CheckResult {
        let mut result = self.run_once(check, handover);
        if self.options.repeat == 1 || result.outcome.was_not_asked() {
            return result;
        }
        let mut repeated = Repeated { runs: 1, passed: usize::from(result.outcome == Outcome::Pass) };
        let (mut first, mut took) = (1, result.took);
        while repeated.runs < self.options.repeat && !is_interrupted() {
            let next = self.run_once(check, &mut Handover::none());
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

    /// Runs one check: on the server that `handover` holds, or on a server of its own.
    pub fn run_once(&self, check: &'static Check, handover: &mut Handover) -> CheckResult {
        let began = Instant::now();
        let mut result = match self.not_asked(check) {
            Some(finding) => CheckResult::of(check, finding),
            None => match handover.take().zip(self.procedure.resume(check)) {
                Some((server, body)) => self.run_on(server, body, check, handover),
                None => self.run_alone(check, handover),
            },
        };
        result.took = began.elapsed();
        result
    }

    /// Returns the reason why `check` is not run, if it is known before.
    fn not_asked(&self, check: &Check) -> Option<Finding> {
        let missing = self.spec.why_missing(check.requires);
        missing.map(|reason| Finding::unsupported("", "").because(reason)).or_else(|| self.absence.known())
    }

    /// Runs `check` on a `server` that earlier checks have left. Unless it passes, it is run on a server of its own, too,
    /// whose result is easier to understand. A fault that only the first one shows counts as well.
    fn run_on(
        &self,
        server: Server,
        body: Body<'_>,
        check: &'static Check,
        handover: &mut Handover,
    ) -> CheckResult {
        let served = handover.served();
        let result = self.record(check, |result| self.run_against(server, body, result, handover));
        if result.outcome == Outcome::Pass || handover.has_server() || is_interrupted() {
            return result;
        }
        let alone = self.run_alone(check, handover);
        let shows_fault = !result.outcome.was_not_asked() && result.outcome != Outcome::Broken;
        if alone.outcome == Outcome::Pass && shows_fault {
            return result.only_after(served);
        }
        alone
    }

    /// Runs `check` on a server of its own.
    fn run_alone(&self, check: &'static Check, handover: &mut Handover) -> CheckResult {
        let launch = self.options.launch.clone();
        self.record(check, |result| match self.procedure.prepare(check, self.spec, launch) {
            Err(LaunchError::Unsupported { output }) => {
                result.set_finding(Finding::unsupported("the server's mechanism", output));
            }
            Err(error @ LaunchError::Unreachable { .. }) => {
                result.set_finding(self.absence.of_server(&error));
            }
            Err(error) => result.set_finding(Finding::broken("a server to check", error.to_string())),
            Ok((server, body)) => self.run_against(server, body, result, handover),
        })
    }

    /// Returns the result that `run` stores, with the timeline of what it does.
    fn record(&self, check: &'static Check, run: impl FnOnce(&mut CheckResult)) -> CheckResult {
        let (recorder, mut result) = (Recorder::new(), CheckResult::pass(check));
        recorder.record(|| run(&mut result));
        if result.outcome != Outcome::Pass || self.options.keep_all_timelines {
            result.timeline = recorder.timeline();
        }
        result
    }

    fn run_against(
        &self,
        mut server: Server,
        body: Body<'_>,
        result: &mut CheckResult,
        handover: &mut Handover,
    ) {
        let check = result.check;
        let failed = call(body, &mut server).map_err(|finding| server.diagnose(finding)).err();
        let finding = failed.or_else(|| server.expect_alive().err());
        if finding.is_some() {
            result.server_output = server.last_output();
            server.trace_states();
        }
        // A server that is not handed over is shut down first: the baseline may launch another one, and one at a time is
        // enough for any machine.
        let server = handover.offer(server, finding.is_none().then_some(check));
        let leaks = server.map(|server| server.shutdown().leaks).unwrap_or_default();
        if let Some(finding) = finding {
            self.absence.note(&finding);
            result.set_finding(self.baseline.skip_unless_echo_server(
                check,
                finding,
                self.spec,
                &self.options.launch,
            ));
        } else {
            self.set_leaks(leaks, result);
        }
    }

    fn set_leaks(&self, leaks: Vec<Leak>, result: &mut CheckResult) {
        if !leaks.is_empty() && result.outcome == Outcome::Pass {
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
