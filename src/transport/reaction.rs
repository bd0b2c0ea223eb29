//! Waits until a server has had the processor time to react.
//!
//! On a busy machine a server may wait long for a processor. Silence for some time shows that a server has nothing to
//! send only if it could run in that time.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::unistd::Pid;

use crate::check;
use crate::deadline::{Deadlines, until};
use crate::sys::{self, Process};

/// The number of looks in a row that must find every thread of a server waiting.
const LOOKS: usize = 3;

/// The processor time after which a server that never waits has reacted to an event.
const WORK: Duration = Duration::from_millis(100);

/// The longest wait for a server that can neither run nor waits, as a multiple of the deadline for progress: it is
/// starved of processors.
const STARVED: u32 = 4;

/// Lists the living processes of a server, for a client that waits for the server's reaction.
#[derive(Clone)]
pub(crate) struct Processes(Arc<dyn Fn() -> io::Result<Vec<Process>> + Send + Sync>);

impl Processes {
    pub fn new(list: impl Fn() -> io::Result<Vec<Process>> + Send + Sync + 'static) -> Processes {
        Processes(Arc::new(list))
    }

    /// Returns the list of a client whose server's processes are not known.
    pub fn unknown() -> Processes {
        Processes::new(|| Err(io::ErrorKind::Unsupported.into()))
    }

    /// Lists the processes now.
    ///
    /// # Errors
    /// `Unsupported` where the system does not list processes, or the server's process is not known.
    pub fn read(&self) -> io::Result<Vec<Process>> {
        self.0()
    }

    /// Waits until the server has reacted to what the kernel has told it. That is so when each thread of it waits for
    /// something, when it has used a tenth of a second of processor time, or when it has exited. The wait ends after four
    /// deadlines for progress at the latest. Where the system does not show threads, it lasts [`Deadlines::quiet`].
    ///
    /// # Errors
    /// [`Finding::interrupted`](crate::check::Finding::interrupted).
    pub fn await_reaction(&self, deadlines: Deadlines) -> check::Result {
        self.await_work(WORK, deadlines)
    }

    /// Waits as [`await_reaction`](Processes::await_reaction) does, but lets a server that never waits use `work` of
    /// processor time.
    ///
    /// # Errors
    /// [`Finding::interrupted`](crate::check::Finding::interrupted).
    pub fn await_work(&self, work: Duration, deadlines: Deadlines) -> check::Result {
        let began = Instant::now();
        let tells = sys::all_threads_blocked(Pid::this()).is_some();
        let (mut living, mut looks, mut before) = (Vec::new(), 0, None);
        let reacted = || {
            // A list of processes is expensive, so only the first and the last of several looks read it. A process may
            // have forked after the first list, and then have waited for its child.
            if looks == 0 || looks + 1 == LOOKS {
                let Some(now) = self.read().ok().filter(|_| tells) else {
                    return Ok((began.elapsed() >= deadlines.quiet()).then_some(()));
                };
                if !is_same(&living, &now) {
                    (living, looks) = (now, 0);
                }
            }
            let waits = |process: &Process| sys::all_threads_blocked(process.pid) == Some(true);
            looks = if living.iter().all(waits) { looks + 1 } else { 0 };
            if living.is_empty() || looks == LOOKS {
                return Ok(Some(()));
            }
            let used = cpu_time(&living);
            let has_worked = used.saturating_sub(*before.get_or_insert(used)) >= work;
            Ok(has_worked.then_some(()))
        };
        until(deadlines.no_progress() * STARVED, reacted).map(drop)
    }
}

/// Whether two lists name the same processes.
fn is_same(one: &[Process], other: &[Process]) -> bool {
    one.iter().map(|process| process.pid).eq(other.iter().map(|process| process.pid))
}

/// Returns the processor time that the threads of `processes` have used.
fn cpu_time(processes: &[Process]) -> Duration {
    let time = |process: &Process| match sys::scheduler_stats(process.pid) {
        Ok(stats) => stats.ran,
        Err(_) => sys::process_stats(process.pid).map(|stats| stats.cpu).unwrap_or_default(),
    };
    processes.iter().map(time).sum()
}

impl fmt::Debug for Processes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Processes")
    }
}
