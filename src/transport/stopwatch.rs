//! Time that a server takes for its work, on a machine that others use too.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::reaction::Processes;
use crate::check::{self, Finding};
use crate::deadline::{Deadlines, is_interrupted};
use crate::sys;

/// Measures time in which neither the calling thread nor the server waited for a processor: about as long as the same
/// work takes on an idle machine.
///
/// The kernel forgets how long a thread has waited when the thread exits. A check whose clients' threads exit stops the
/// stopwatch before these clients leave, and resumes it for the next ones.
#[derive(Debug)]
pub(crate) struct Stopwatch {
    processes: Processes,
    deadlines: Deadlines,
    /// How long each thread of the server had waited for a processor when it was last looked at.
    threads: BTreeMap<i32, Duration>,
    /// The time until the stopwatch was last stopped.
    measured: Duration,
    /// The time since it was resumed. `None` while it is stopped.
    lap: Option<Lap>,
}

/// The time since a stopwatch was started or resumed.
#[derive(Debug)]
struct Lap {
    began: Instant,
    /// How long the calling thread had waited for a processor before.
    own: Duration,
}

/// At least this part of the time that has passed counts: threads of a server may wait for a processor together.
const LEAST: u32 = 16;

/// The time in which waits do not matter. To look at the threads of a server takes about as long.
const SHORT: Duration = Duration::from_millis(5);

impl Stopwatch {
    /// Starts to measure the time that the work of `processes` takes.
    pub fn start(processes: Processes, deadlines: Deadlines) -> Stopwatch {
        let threads = waits(&processes);
        Stopwatch { processes, deadlines, threads, measured: Duration::ZERO, lap: Some(Lap::begin()) }
    }

    /// Calls `wait` with the time that is left of `limit` until it returns a value. Returns `None` once no time is left,
    /// and the server has had the processor time to react. The time counts as [`elapsed`](Stopwatch::elapsed) measures it.
    ///
    /// # Errors
    /// Those of `wait`, or when interrupted.
    pub fn wait<T>(
        mut self,
        limit: Duration,
        mut wait: impl FnMut(Duration) -> check::Result<Option<T>>,
    ) -> check::Result<Option<T>> {
        const LAST: Duration = Duration::from_millis(200);
        let found = self.wait_within(limit, &mut wait)?;
        if found.is_some() {
            return Ok(found);
        }
        // The kernel counts the time of a thread that waits for a processor only when it gets one.
        self.processes.await_reaction(self.deadlines)?;
        wait(LAST)
    }

    /// Calls `wait` with the time that is left of `limit` until it returns a value. Returns `None` once no time is left.
    ///
    /// # Errors
    /// Those of `wait`, or when interrupted.
    pub fn wait_within<T>(
        &mut self,
        limit: Duration,
        mut wait: impl FnMut(Duration) -> check::Result<Option<T>>,
    ) -> check::Result<Option<T>> {
        const SHORTEST: Duration = Duration::from_millis(10);
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
                return Ok(None);
            }
            left = (limit - elapsed).max(SHORTEST);
        }
    }

    /// Goes on measuring after [`stop`](Stopwatch::stop).
    pub fn resume(&mut self) {
        self.lap = Some(Lap::begin());
    }

    /// Stops measuring. The threads that the server's work needed must still live.
    pub fn stop(&mut self) {
        let Some(Lap { began, own }) = self.lap.take() else { return };
        let passed = began.elapsed();
        if passed < SHORT {
            self.measured += passed;
            return;
        }
        let waited = own_wait().saturating_sub(own) + self.threads_waited();
        self.measured += passed.saturating_sub(waited).max(passed / LEAST);
    }

    /// Returns the time measured so far, without that in which the server or the calling thread waited. A stopwatch
    /// that runs goes on.
    pub fn elapsed(&mut self) -> Duration {
        if self.lap.is_some() {
            self.stop();
            self.resume();
        }
        self.measured
    }

    /// Returns how long the living threads of the server have waited since they were last looked at.
    fn threads_waited(&mut self) -> Duration {
        let before = std::mem::replace(&mut self.threads, waits(&self.processes));
        let since = |(thread, now): (&i32, &Duration)| {
            now.saturating_sub(before.get(thread).copied().unwrap_or_default())
        };
        self.threads.iter().map(since).sum()
    }
}

impl Lap {
    fn begin() -> Lap {
        Lap { began: Instant::now(), own: own_wait() }
    }
}

/// Returns how long each living thread of `processes` has waited for a processor. The result is empty where the system
/// does not tell.
fn waits(processes: &Processes) -> BTreeMap<i32, Duration> {
    let living = processes.read().unwrap_or_default();
    let of = |pid| sys::scheduler_stats_of_threads(pid).unwrap_or_default();
    living.iter().flat_map(|process| of(process.pid)).map(|(thread, stats)| (thread, stats.queued)).collect()
}

/// Returns how long the calling thread has waited for a processor; nothing where the system does not tell.
fn own_wait() -> Duration {
    sys::thread_scheduler_stats().map(|stats| stats.queued).unwrap_or_default()
}
