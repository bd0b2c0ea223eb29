//! The options of a run, and the failures that are expected in it.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread;

use crate::outcome::Outcome;
use crate::server::LaunchOptions;
use crate::sys;

/// Options of a run of checks.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// The options for launching each server: deadlines, the seed of the payloads, and more.
    pub launch: LaunchOptions,
    /// The number of checks that run at the same time, at least one. Each check has a server of its own.
    pub jobs: usize,
    /// The number of times that a failed check runs again, each time with a new server.
    pub retries: usize,
    /// The failures that are known and expected. They do not fail the run.
    pub expectations: Arc<[Expectation]>,
    /// Whether the user has not named the server's protocol: the run ends at once if the server is no echo server.
    pub protocol_is_assumed: bool,
    /// The number of failed checks after which the run skips the other checks.
    pub max_failures: Option<NonZeroUsize>,
    /// The number of times that each check runs, each time with a new server.
    pub repeat: usize,
    /// Whether the results of passed checks also keep their timelines.
    pub keep_all_timelines: bool,
}

/// A known failure and its reason. It does not fail the run; a pass in its place does.
#[derive(Debug, Clone)]
pub struct Expectation {
    /// The id of the check that fails.
    pub check: String,
    /// The expected outcome of the check.
    pub outcome: Outcome,
    /// The reason why the check fails.
    pub reason: String,
    /// Text that the result must contain, if only this failure is expected.
    pub message: Option<String>,
}

/// The number of processes of a check: 200 clients of a server that forks for each, and those of the harness.
const PROCESSES_OF_CHECK: u64 = 300;

/// Returns the number of checks that run at the same time: two for each processor, because they spend most of their
/// time waiting, and not more than the user or the container may have processes for.
fn usual_jobs() -> usize {
    let jobs = 2 * thread::available_parallelism().map_or(2, usize::from);
    let processes = sys::process_limit().unwrap_or(u64::MAX);
    let room = usize::try_from(processes / PROCESSES_OF_CHECK).unwrap_or(usize::MAX);
    jobs.min(room).max(1)
}

impl Default for RunOptions {
    fn default() -> Self {
        let jobs = usual_jobs();
        RunOptions {
            launch: LaunchOptions::default(),
            jobs,
            retries: 0,
            expectations: Arc::new([]),
            protocol_is_assumed: false,
            max_failures: None,
            repeat: 1,
            keep_all_timelines: false,
        }
    }
}
