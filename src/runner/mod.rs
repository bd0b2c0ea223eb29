//! Runs checks against servers, several at a time, and reports each step as an event.
//!
//! | file | content |
//! |---|---|
//! | `event` | the events of a run |
//! | `options` | options of a run; expected failures |
//! | `result` | the result of one check, and a summary of many |
//! | `run` | the workers: how each runs its checks |
//! | `queue` | the tasks that wait for a worker |
//! | `handover` | a server that one check hands over to the next |
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

use std::sync::atomic::AtomicUsize;
use std::sync::mpsc::channel;
use std::thread;

use crate::check::Finding;
use crate::checks::Check;
use crate::deadline::Interrupt;
use crate::server::{LaunchError, Server, Spec, Supervision};
use crate::trace::Trace;
use crate::transport::Capabilities;

mod absence;
mod baseline;
mod event;
mod guess;
mod handover;
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
mod run;
mod timeline;

use absence::Absence;
use baseline::Baseline;
pub use event::Event;
use handover::Handover;
pub use options::{Expectation, RunOptions};
use procedure::FunctionOfCheck;
pub(crate) use procedure::{Body, Procedure};
use queue::queue;
#[cfg(feature = "cli")]
pub(crate) use rehearsed::rehearse;
use rehearsed::rehearsed;
pub use result::{CheckResult, Repeated, Summary};
use run::Run;
pub use timeline::Timeline;

/// Runs `checks` against servers launched by `spec`, and returns the results in the order of `checks`.
///
/// A first launch shows that the server starts at all. Then each check has a server of its own, so that no
/// check suffers from the damage of another. If the server is on standard input and output, checks that leave it as it
/// was use the same one; unless such a check passes, it is run on a server of its own, too. When the calling thread's run
/// is interrupted, the checks that have not ended are missing from the results.
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
        queue: queue(checks, jobs, in_conversations(spec, options)),
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

/// Whether checks go on with the conversation of another one. They do not if each runs several times, or if all timelines
/// are kept: a timeline then shows its server from the start to the exit.
fn in_conversations(spec: &Spec, options: &RunOptions) -> bool {
    let launched = spec.capabilities().contains(Capabilities::STDIO.union(Capabilities::REQUESTS));
    launched && options.repeat == 1 && !options.keep_all_timelines
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
        queue: queue(&[], 1, false),
        failures: AtomicUsize::new(0),
        absence: Absence::default(),
    };
    run.run_once(check, &mut Handover::none())
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
        let result = CheckResult::of(check, Finding::unsupported("the server's mechanism", output));
        observe(&Event::CheckFinished(&result));
        result
    };
    checks.iter().map(report).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::{CONVERSATIONS, LONG_CHECK_IDS, all_checks};

    #[test]
    fn several_workers_begin_with_the_longest_checks() {
        let checks: Vec<_> = all_checks().collect();
        let ids =
            |jobs| queue(&checks, jobs, false).into_inner().unwrap().into_iter().map(|task| task[0].1.id);
        assert!(ids(1).eq(checks.iter().map(|check| check.id)));
        assert!(ids(2).take(LONG_CHECK_IDS.len()).eq(LONG_CHECK_IDS.iter().copied()));
        assert_eq!(ids(2).len(), checks.len());
    }

    #[test]
    fn checks_of_one_conversation_are_one_task() {
        let checks: Vec<_> = all_checks().collect();
        let tasks = queue(&checks, 2, true).into_inner().unwrap();
        for conversation in CONVERSATIONS {
            let is_this = |task: &&Vec<(usize, &Check)>| task[0].1.id == conversation[0];
            let task = tasks.iter().find(is_this).unwrap();
            assert!(task.iter().map(|(_, check)| check.id).eq(conversation.iter().copied()));
            assert!(task.iter().all(|&(place, check)| std::ptr::eq(checks[place], check)));
        }
        assert_eq!(tasks.iter().map(Vec::len).sum::<usize>(), checks.len());
    }
}
