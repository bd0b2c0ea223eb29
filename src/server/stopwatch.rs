//! Time that a server takes for its work, on a machine that others use too.

use std::process::ExitStatus;
use std::time::{Duration, Instant};

use super::{Instance, Server};
use crate::check::{self, Finding};
use crate::deadline::{Deadlines, is_interrupted, until};
use crate::sys;
use crate::transport::Processes;

/// Measures time in which neither the calling thread nor the server waited for a processor: about as long as the same
/// work takes on an idle machine.
#[derive(Debug)]
pub(crate) struct Stopwatch {
    began: Instant,
    queued: Duration,
    processes: Processes,
    deadlines: Deadlines,
}

/// At least this part of the time that has passed counts: threads of a server may wait for a processor together.
const LEAST: u32 = 16;

impl Server {
    /// Starts to measure time.
    pub(crate) fn stopwatch(&self) -> Stopwatch {
        Stopwatch::start(self.process_lister(), self.deadlines())
    }

    /// Waits until the launched process exits, and returns its status. Time in which the server waits for a processor
    /// does not count towards `limit`.
    ///
    /// # Errors
    /// A broken harness if none was launched, or when interrupted.
    pub(crate) fn wait_for_exit(&mut self, limit: Duration) -> check::Result<Option<ExitStatus>> {
        let stopwatch = self.stopwatch();
        stopwatch.wait(limit, |left| Ok(self.instance()?.wait(left)))
    }

    /// Calls `look` until it returns a value, as [`until`] does. Time in which the server waits for a processor does
    /// not count towards `limit`.
    ///
    /// # Errors
    /// Those of `look`, or when interrupted.
    pub(crate) fn until<T>(
        &mut self,
        limit: Duration,
        mut look: impl FnMut(&mut Server) -> check::Result<Option<T>>,
    ) -> check::Result<Option<T>> {
        let stopwatch = self.stopwatch();
        stopwatch.wait(limit, |left| until(left, || look(self)))
    }
}

impl Instance {
    /// Starts to measure time. The work is that of this instance's processes.
    pub(crate) fn stopwatch(&self, deadlines: Deadlines) -> Stopwatch {
        Stopwatch::start(Processes::new(self.process_lister()), deadlines)
    }
}

impl Stopwatch {
    fn start(processes: Processes, deadlines: Deadlines) -> Stopwatch {
        Stopwatch { began: Instant::now(), queued: queued(&processes), processes, deadlines }
    }

    /// Calls `wait` with the time that is left of `limit` until it returns a value. Returns `None` once no time is left.
    /// The time counts as [`elapsed`](Stopwatch::elapsed) measures it.
    ///
    /// # Errors
    /// Those of `wait`, or when interrupted.
    pub fn wait<T>(
        &self,
        limit: Duration,
        mut wait: impl FnMut(Duration) -> check::Result<Option<T>>,
    ) -> check::Result<Option<T>> {
        const SHORTEST: Duration = Duration::from_millis(10);
        const LAST: Duration = Duration::from_millis(200);
        let mut left = limit;
        loop {
            let found = wait(left)?;
            if found.is_some() {
                return Ok(found);
            }
            if is_interrupted() {
                return Err(Finding::interrupted());
            }
            let elapsed = self.elapsed();
            if elapsed >= limit {
                // The kernel counts the time of a thread that waits for a processor only when it gets one.
                self.processes.await_reaction(self.deadlines)?;
                return wait(LAST);
            }
            left = (limit - elapsed).max(SHORTEST);
        }
    }

    /// Returns the time since the beginning, without that in which the server or the calling thread waited.
    pub fn elapsed(&self) -> Duration {
        let passed = self.began.elapsed();
        let waited = queued(&self.processes).saturating_sub(self.queued);
        passed.saturating_sub(waited).max(passed / LEAST)
    }
}

/// Returns how long the calling thread and the threads of `processes` have waited for a processor. That is nothing where
/// the system does not tell.
fn queued(processes: &Processes) -> Duration {
    let of = |pid| sys::scheduler_stats(pid).map(|stats| stats.queued).unwrap_or_default();
    let living = processes.read().unwrap_or_default();
    let own = sys::thread_scheduler_stats().map(|stats| stats.queued).unwrap_or_default();
    own + living.iter().map(|process| of(process.pid)).sum::<Duration>()
}
