//! The events of a run: its workers send some, and its caller observes others.

use super::CheckResult;
use crate::checks::Check;
use crate::server::Spec;

/// An event of a run of checks, for the caller to report.
#[derive(Debug)]
pub enum Event<'a> {
    /// The checks begin. Before, the server was launched once, became ready, and spoke its protocol. Holds the server,
    /// with what the rehearsal found, and the checks that follow.
    Started(&'a Spec, &'a [&'static Check]),
    /// The run begins to run this check.
    CheckStarted(&'static Check),
    /// A check of the run has ended with this result.
    CheckFinished(&'a CheckResult),
}

/// An event that a worker sends to the thread that reports.
pub(super) enum WorkerEvent {
    Started(&'static Check),
    /// A worker has finished a check. Holds the check's place in the list of checks, and its result.
    Finished(usize, Box<CheckResult>),
}

impl WorkerEvent {
    /// Reports the worker's event to the observer, and returns the result of a finished check.
    pub fn report(self, observe: &mut impl FnMut(&Event<'_>)) -> Option<(usize, CheckResult)> {
        match self {
            WorkerEvent::Started(check) => {
                observe(&Event::CheckStarted(check));
                None
            }
            WorkerEvent::Finished(place, result) => {
                observe(&Event::CheckFinished(&result));
                Some((place, *result))
            }
        }
    }
}
