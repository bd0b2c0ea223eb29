//! The processor time of a server, on a machine that others use too.

use std::fmt;
use std::io;
use std::time::{Duration, Instant};

use super::Server;
use crate::check;
use crate::deadline::until;
use crate::sys::{self, SchedulerStats};

/// The share of one processor that all processes of a server used, and waited for, during a time window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CpuUse {
    /// The share of the time window in which the server's processes ran on a processor.
    pub used: f64,
    /// The share of the time window in which the server's processes were ready to run but waited for a processor;
    /// `None` where the system does not tell.
    pub queued: Option<f64>,
}

/// The processor time of a server at the beginning of a time window.
#[derive(Debug)]
pub(crate) struct CpuWindow {
    used: Duration,
    scheduled: Option<SchedulerStats>,
    began: Instant,
}

/// The minimum share of the time in which a busy loop runs or waits for a processor. Another process may wait long too,
/// but it runs hardly at all.
const BUSY: f64 = 0.6;
const IDLE: f64 = 0.02;

/// The maximum share of the time in which the processes of a server that mostly waits run, or wait for a processor.
const MOSTLY_IDLE: f64 = 0.3;

/// The minimum share of the time in which a busy loop runs, where the time that it waits for a processor is unknown.
/// Other processes may take most of the processor's time.
const BUSY_UNQUEUED: f64 = 0.2;

impl CpuUse {
    /// Whether the server's processes neither ran nor waited for a processor in most of the time.
    #[must_use]
    pub(crate) fn is_mostly_idle(&self) -> bool {
        self.used + self.queued.unwrap_or_default() < MOSTLY_IDLE
    }

    /// Whether a process ran all the time without waiting for anything but a processor, as a busy loop does.
    #[must_use]
    pub fn is_busy_loop(&self) -> bool {
        match self.queued {
            Some(queued) => self.used >= IDLE && self.used + queued >= BUSY,
            None => self.used >= BUSY_UNQUEUED,
        }
    }

    /// Whether the processes were ready to run for most of the time, and got almost no processor time: on a busy machine
    /// this does not show what they would do.
    #[must_use]
    pub(crate) fn is_kept_waiting(&self) -> bool {
        self.queued.is_some_and(|queued| self.used < IDLE && self.used + queued >= BUSY)
    }
}

impl fmt::Display for CpuUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.0} % of a processor", self.used * 100.0)?;
        match self.queued.map(|queued| (queued * 100.0).round()) {
            Some(queued) if queued >= 1.0 => write!(f, ", and {queued:.0} % waiting for one"),
            _ => Ok(()),
        }
    }
}

impl Server {
    /// Measures the processor time of all the server's processes for the length of `window`.
    ///
    /// # Errors
    /// As [`process_stats`](Server::process_stats).
    pub fn cpu_use(&self, window: Duration) -> check::Result<CpuUse> {
        let began = self.begin_cpu_window()?;
        until(window, || Ok(None::<()>))?;
        self.cpu_use_since(&began)
    }

    /// Begins a time window in which the server's processor time is measured.
    ///
    /// # Errors
    /// As [`process_stats`](Server::process_stats).
    pub(crate) fn begin_cpu_window(&self) -> check::Result<CpuWindow> {
        Ok(CpuWindow {
            used: self.process_stats()?.cpu,
            scheduled: self.scheduling()?,
            began: Instant::now(),
        })
    }

    /// Returns the processor time of all the server's processes since `window` began.
    ///
    /// # Errors
    /// As [`process_stats`](Server::process_stats).
    pub(crate) fn cpu_use_since(&self, window: &CpuWindow) -> check::Result<CpuUse> {
        let share = |time: Duration| time.as_secs_f64() / window.began.elapsed().as_secs_f64();
        let since = |now: Duration, before| share(now.saturating_sub(before));
        // The scheduler counts nanoseconds, the process table hundredths of a second.
        Ok(match window.scheduled.zip(self.scheduling()?) {
            Some((before, now)) => {
                CpuUse { used: since(now.ran, before.ran), queued: Some(since(now.queued, before.queued)) }
            }
            None => CpuUse { used: since(self.process_stats()?.cpu, window.used), queued: None },
        })
    }

    /// Returns the processor time that all living processes of the server have used.
    ///
    /// # Errors
    /// As [`process_stats`](Server::process_stats).
    pub(crate) fn cpu_time(&self) -> check::Result<Duration> {
        match self.scheduling()? {
            Some(stats) => Ok(stats.ran),
            None => Ok(self.process_stats()?.cpu),
        }
    }

    /// Returns the running and waiting time of all threads of the server, or `None` where the system does not tell.
    fn scheduling(&self) -> check::Result<Option<SchedulerStats>> {
        let mut sum = SchedulerStats::default();
        for process in self.processes()? {
            match sys::scheduler_stats(process.pid) {
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
    use super::CpuUse;

    #[test]
    fn a_loop_that_waits_for_a_processor_is_busy() {
        assert!(CpuUse { used: 0.15, queued: Some(0.8) }.is_busy_loop());
        assert!(CpuUse { used: 1.0, queued: Some(0.0) }.is_busy_loop());
    }

    #[test]
    fn a_timer_that_waits_for_a_processor_is_not_busy() {
        assert!(!CpuUse { used: 0.01, queued: Some(0.9) }.is_busy_loop());
        assert!(CpuUse { used: 0.01, queued: Some(0.9) }.is_kept_waiting());
        assert!(!CpuUse { used: 0.1, queued: None }.is_busy_loop());
        assert!(!CpuUse { used: 0.1, queued: None }.is_kept_waiting());
    }
}
