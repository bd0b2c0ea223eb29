//! Time that a server takes for its work, on a machine that others use too.

use std::time::{Duration, Instant};

use super::Server;
use crate::sys;
use crate::transport::Processes;

/// Measures time in which neither the calling thread nor the server waited for a processor: about as long as the same
/// work takes on an idle machine.
#[derive(Debug)]
pub(crate) struct Stopwatch {
    began: Instant,
    queued: Duration,
    processes: Processes,
}

/// At least this part of the time that has passed counts: threads of a server may wait for a processor together.
const LEAST: u32 = 16;

impl Server {
    /// Starts to measure time.
    pub(crate) fn stopwatch(&self) -> Stopwatch {
        let processes = self.process_lister();
        Stopwatch { began: Instant::now(), queued: queued(&processes), processes }
    }
}

impl Stopwatch {
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
