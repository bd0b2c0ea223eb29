//! How busy a server is, on a machine that others use too.

use std::fmt;
use std::io;
use std::time::{Duration, Instant};

use super::Server;
use crate::check;
use crate::deadline::until;
use crate::sys::{self, Scheduling};

/// How much of one processor a server's processes had and wanted, together, over a while.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Effort {
    /// The share of the time for which they ran.
    pub used: f64,
    /// The share for which they were ready to run while others did; `None` where the system does not tell.
    pub queued: Option<f64>,
}

/// A loop that never waits always wants a processor: it runs, or it stands in the queue for one. What wakes up
/// now and then may queue long behind others, and yet use next to nothing.
const ALWAYS: f64 = 0.6;
const MORE_THAN_NOTHING: f64 = 0.02;

/// Where the queue is not told, others may have most of what a spinning loop wants.
const SPINS: f64 = 0.2;

impl Effort {
    /// Whether something ran in circles all the while.
    #[must_use]
    pub fn is_a_spin(&self) -> bool {
        match self.queued {
            Some(queued) => self.used >= MORE_THAN_NOTHING && self.used + queued >= ALWAYS,
            None => self.used >= SPINS,
        }
    }
}

impl fmt::Display for Effort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.0} % of a processor", self.used * 100.0)?;
        match self.queued.map(|queued| (queued * 100.0).round()) {
            Some(queued) if queued >= 1.0 => write!(f, ", and it waited for one for another {queued:.0} %"),
            _ => Ok(()),
        }
    }
}

impl Server {
    /// What the server's processes do while nothing happens for `window`.
    ///
    /// # Errors
    /// As [`vitals`](Server::vitals).
    pub fn effort(&self, window: Duration) -> check::Result<Effort> {
        let (used, scheduled, began) = (self.vitals()?.cpu, self.scheduling()?, Instant::now());
        until(window, || Ok(None::<()>))?;
        let share = |time: Duration| time.as_secs_f64() / began.elapsed().as_secs_f64();
        let since = |now: Duration, before| share(now.saturating_sub(before));
        // The scheduler counts nanoseconds, the process table hundredths of a second.
        Ok(match scheduled.zip(self.scheduling()?) {
            Some((before, now)) => {
                Effort { used: since(now.ran, before.ran), queued: Some(since(now.queued, before.queued)) }
            }
            None => Effort { used: since(self.vitals()?.cpu, used), queued: None },
        })
    }

    /// What all of its threads together have been given, where the system tells.
    fn scheduling(&self) -> check::Result<Option<Scheduling>> {
        let mut sum = Scheduling::default();
        for process in self.processes()? {
            match sys::scheduling(process.pid) {
                Ok(one) => {
                    sum.ran += one.ran;
                    sum.queued += one.queued;
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(_) => return Ok(None),
            }
        }
        Ok(Some(sum))
    }
}

#[cfg(test)]
mod tests {
    use super::Effort;

    #[test]
    fn a_loop_that_others_keep_from_running_is_still_a_spin() {
        assert!(Effort { used: 0.15, queued: Some(0.8) }.is_a_spin());
        assert!(Effort { used: 1.0, queued: Some(0.0) }.is_a_spin());
    }

    #[test]
    fn a_timer_that_queues_behind_others_is_none() {
        assert!(!Effort { used: 0.01, queued: Some(0.9) }.is_a_spin());
        assert!(!Effort { used: 0.1, queued: None }.is_a_spin());
    }
}
