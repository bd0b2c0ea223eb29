//! Time that a server takes for its work, on a machine that others use too.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use nix::unistd::Pid;

use super::reaction::Processes;
use crate::check::{self, Finding};
use crate::deadline::{Countdown, Deadlines, is_interrupted};
use crate::sys::{self, SchedulerStats};

/// Measures time in which neither the calling thread nor the server waited for a processor: about as long as the same
/// work takes on an idle machine.
///
/// The kernel forgets how long a thread has waited when the thread exits. A check whose clients' threads exit stops the
/// stopwatch before these clients leave, and resumes it for the next ones. To call [`elapsed`](Stopwatch::elapsed) often
/// takes more of such waits into account.
#[derive(Debug)]
pub(crate) struct Stopwatch {
    processes: Processes,
    deadlines: Deadlines,
    /// Whether the waits of the calling thread count, too.
    of_server_alone: bool,
    /// The server's processes when they were last looked at.
    seen: BTreeMap<Pid, Seen>,
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

/// The state of one process when it was last looked at.
#[derive(Debug, Default)]
struct Seen {
    /// How long each thread has run, and has waited for a processor. The kernel counts a wait when it is over.
    threads: BTreeMap<i32, SchedulerStats>,
    /// Whether the process had not run since the look before, and yet was not blocked.
    waits: bool,
    /// The part of a wait that was taken into account although the kernel had not counted it.
    ahead: Duration,
}

/// At least this part of the time that has passed counts: threads of a server may wait for a processor together.
const LEAST: u32 = 16;

/// The time in which waits do not matter. To look at the threads of a server takes about as long.
const SHORT: Duration = Duration::from_millis(5);

/// The time in which the kernel updates the statistics of a thread that runs, with any length of its ticks.
const TICKS: Duration = Duration::from_millis(20);

/// The longest time between two looks at the server during a wait.
const LAP: Duration = Duration::from_millis(200);

impl Stopwatch {
    /// Starts to measure the time that the work of `processes` takes.
    pub fn start(processes: Processes, deadlines: Deadlines) -> Stopwatch {
        let seen = look(&processes);
        let (measured, lap) = (Duration::ZERO, Some(Lap::begin()));
        Stopwatch { processes, deadlines, of_server_alone: false, seen, measured, lap }
    }

    /// Lets time count in which the calling thread waits for a processor: the server's work does not depend on it.
    pub fn of_server_alone(self) -> Stopwatch {
        Stopwatch { of_server_alone: true, ..self }
    }

    /// Calls `wait` with a part of the time that is left of `limit` until it returns a value. Returns `None` once no time
    /// is left, and the server has had the processor time to react. The time counts as [`elapsed`](Stopwatch::elapsed) measures it.
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

    /// Calls `wait` with a part of the time that is left of `limit` until it returns a value. Returns `None` once no time
    /// is left.
    ///
    /// # Errors
    /// Those of `wait`, or when interrupted.
    pub fn wait_within<T>(
        &mut self,
        limit: Duration,
        mut wait: impl FnMut(Duration) -> check::Result<Option<T>>,
    ) -> check::Result<Option<T>> {
        const SHORTEST: Duration = Duration::from_millis(10);
        let (mut countdown, mut left) = (Countdown::new(limit), limit);
        loop {
            let found = wait(left.min(LAP))?;
            if found.is_some() {
                return Ok(found);
            }
            if is_interrupted() {
                return Err(Finding::interrupted());
            }
            // The countdown goes on while this process or the machine is paused, but counts little of that.
            left = limit.saturating_sub(self.elapsed()).max(countdown.left());
            if left.is_zero() {
                return Ok(None);
            }
            left = left.max(SHORTEST);
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
        let own = if self.of_server_alone { Duration::ZERO } else { own_wait().saturating_sub(own) };
        let waited = own + self.server_waited(passed);
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

    /// Returns how long the living threads of the server have waited since they were last looked at, `passed` ago.
    fn server_waited(&mut self, passed: Duration) -> Duration {
        let mut before = std::mem::replace(&mut self.seen, look(&self.processes));
        let waited = |(pid, now): (&Pid, &mut Seen)| {
            let before = before.remove(pid).unwrap_or_default();
            now.waited_since(&before, passed, || sys::all_threads_blocked(*pid) == Some(false))
        };
        self.seen.iter_mut().map(waited).sum()
    }
}

impl Seen {
    /// Returns how long the threads have waited since `before`, which was seen `passed` ago. `is_ready` tells whether a
    /// thread can run now.
    fn waited_since(&mut self, before: &Seen, passed: Duration, is_ready: impl FnOnce() -> bool) -> Duration {
        if self.threads == before.threads {
            self.waits = !self.threads.is_empty() && passed >= TICKS && is_ready();
            if self.waits && before.waits {
                self.ahead = before.ahead + passed;
                return passed;
            }
            self.ahead = before.ahead;
            return Duration::ZERO;
        }
        let since = |(thread, now): (&i32, &SchedulerStats)| {
            now.queued
                .saturating_sub(before.threads.get(thread).map(|stats| stats.queued).unwrap_or_default())
        };
        self.threads.iter().map(since).sum::<Duration>().saturating_sub(before.ahead)
    }
}

impl Lap {
    fn begin() -> Lap {
        Lap { began: Instant::now(), own: own_wait() }
    }
}

/// Returns the living processes of `processes`. The statistics are empty where the system does not tell them.
fn look(processes: &Processes) -> BTreeMap<Pid, Seen> {
    let living = processes.read().unwrap_or_default();
    let of =
        |pid| Seen { threads: sys::scheduler_stats_of_threads(pid).unwrap_or_default(), ..Seen::default() };
    living.iter().map(|process| (process.pid, of(process.pid))).collect()
}

/// Returns how long the calling thread has waited for a processor; nothing where the system does not tell.
fn own_wait() -> Duration {
    sys::thread_scheduler_stats().map(|stats| stats.queued).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(ran: u64, queued: u64) -> Seen {
        let time = Duration::from_millis;
        let stats = SchedulerStats { ran: time(ran), queued: time(queued) };
        Seen { threads: BTreeMap::from([(1, stats)]), ..Seen::default() }
    }

    /// Returns the milliseconds of each lap of 100 ms that count as a wait. Each lap has the thread's statistics at its end,
    /// and whether the thread can run then.
    fn waits(laps: &[(Seen, bool)]) -> Vec<u128> {
        let mut before = Seen::default();
        let mut lap = |(now, ready): &(Seen, bool)| {
            let mut now = Seen { threads: now.threads.clone(), ..Seen::default() };
            let waited = now.waited_since(&before, Duration::from_millis(100), || *ready);
            before = now;
            waited.as_millis()
        };
        laps.iter().map(&mut lap).collect()
    }

    #[test]
    fn waits_of_a_new_process_count_since_its_start() {
        assert_eq!(waits(&[(seen(5, 70), true)]), [70]);
    }

    #[test]
    fn blocked_thread_does_not_wait() {
        assert_eq!(waits(&[(seen(5, 0), false), (seen(5, 0), false), (seen(5, 0), false)]), [0, 0, 0]);
    }

    #[test]
    fn wait_counts_once_before_the_kernel_counts_it() {
        let laps = [(seen(5, 0), true), (seen(5, 0), true), (seen(5, 0), true), (seen(8, 260), true)];
        assert_eq!(waits(&laps), [0, 0, 100, 160]);
    }
}
