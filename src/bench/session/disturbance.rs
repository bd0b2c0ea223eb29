//! Measures how much other processes, or the hypervisor, used the processors during a session.

use std::io;
use std::time::{Duration, Instant};

use nix::unistd::Pid;

use super::cpu_usage::CpuSnapshot;
use crate::bench::placement::ResolvedPlacement;
use crate::sys::{ProcessorTime, processor_time, usable_processors};

/// The share of the processors' time above which the work of other processes counts as a disturbance of a session.
const TOLERATED: f64 = 0.05;

/// Maximum error of the system's own count of processor time, in units of its resolution: one unit at each end.
const RESOLUTION_ERRORS: u32 = 2;

/// The processor time that each processor and process of a measuring session has used, read when the session begins.
#[derive(Debug)]
pub(in crate::bench) struct DisturbanceMonitor {
    processors: Vec<usize>,
    began: Instant,
    /// The processor time used before a measuring session, or an error if the system does not tell.
    before: io::Result<(ProcessorTime, CpuSnapshot)>,
}

/// The processor time that a measuring session lost to others.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(in crate::bench) struct Disturbance {
    /// The share of the session's processors' time that other processes of this machine used.
    pub foreign: f64,
    /// The share of the session's processors' time that the hypervisor gave to other guests.
    pub stolen: f64,
    /// True if the system tells at least one of the shares of processor time that others used.
    pub known: bool,
}

impl DisturbanceMonitor {
    /// Begins to count the time on the session's processors that `processes` do not use.
    pub fn begin(placement: &ResolvedPlacement, processes: &[Pid]) -> DisturbanceMonitor {
        let mut processors = placement.processors();
        if processors.is_empty() {
            processors = usable_processors().unwrap_or_default();
        }
        let before = snapshot(&processors, processes);
        DisturbanceMonitor { processors, began: Instant::now(), before }
    }

    /// Returns the disturbance since the beginning of a session, or an unknown one if the system does not tell.
    pub fn end(self, processes: &[Pid]) -> Disturbance {
        let took = self.began.elapsed() * u32::try_from(self.processors.len()).unwrap_or(1);
        match (self.before, snapshot(&self.processors, processes)) {
            (Ok((before, earlier)), Ok((now, later))) => {
                Disturbance::between(&before, &now, later.usage_since(&earlier).total_time(), took)
            }
            _ => Disturbance::default(),
        }
    }
}

fn snapshot(processors: &[usize], processes: &[Pid]) -> io::Result<(ProcessorTime, CpuSnapshot)> {
    Ok((processor_time(processors)?, CpuSnapshot::of_processes(processes.iter().copied())?))
}

impl Disturbance {
    /// Computes the disturbance of a session: subtracts its `own` time from the processors' busy time, and divides by
    /// the time that `elapsed`.
    fn between(before: &ProcessorTime, now: &ProcessorTime, own: Duration, elapsed: Duration) -> Disturbance {
        let error = now.resolution * RESOLUTION_ERRORS;
        let share = |time: Duration| {
            time.saturating_sub(error).as_secs_f64() / elapsed.as_secs_f64().max(f64::MIN_POSITIVE)
        };
        Disturbance {
            foreign: share(now.busy.saturating_sub(before.busy).saturating_sub(own)),
            stolen: share(now.stolen.saturating_sub(before.stolen)),
            known: true,
        }
    }

    /// Returns the share of the processors' time that a session lost to others.
    pub fn lost_share(&self) -> f64 {
        self.foreign + self.stolen
    }

    /// Describes the larger cause of a disturbance if it is more than tolerated.
    pub fn describe_cause(&self) -> Option<String> {
        let percent = |share: f64| format!("{:.0} %", share * 100.0);
        match (self.lost_share() > TOLERATED, self.foreign > self.stolen) {
            (false, _) => None,
            (true, true) => Some(format!("other processes used {} of the processors", percent(self.foreign))),
            (true, false) => {
                Some(format!("the hypervisor gave {} of the time to others", percent(self.stolen)))
            }
        }
    }
}

impl std::ops::Add for Disturbance {
    type Output = Disturbance;

    /// Combines the disturbances of two consecutive sessions: takes the larger share of each kind.
    fn add(self, other: Disturbance) -> Disturbance {
        Disturbance {
            foreign: self.foreign.max(other.foreign),
            stolen: self.stolen.max(other.stolen),
            known: self.known || other.known,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn disturbance(busy: u32, stolen: u32, own: u32) -> Disturbance {
        let before = ProcessorTime { busy: MS * 1000, stolen: MS * 50, resolution: MS * 10 };
        let now = ProcessorTime { busy: MS * (1000 + busy), stolen: MS * (50 + stolen), resolution: MS * 10 };
        Disturbance::between(&before, &now, MS * own, MS * 1000)
    }

    #[test]
    fn own_work_is_no_disturbance() {
        assert_eq!(disturbance(1000, 0, 990).describe_cause(), None);
        assert_eq!(disturbance(10, 0, 500).lost_share(), 0.0);
    }

    #[test]
    fn other_processes_and_stolen_time_are_disturbances() {
        assert_eq!(
            disturbance(600, 0, 480).describe_cause().unwrap(),
            "other processes used 10 % of the processors"
        );
        assert_eq!(
            disturbance(480, 320, 480).describe_cause().unwrap(),
            "the hypervisor gave 30 % of the time to others"
        );
    }

    #[test]
    fn ignores_differences_below_the_clock_resolution() {
        assert_eq!(disturbance(500, 20, 480).describe_cause(), None);
    }
}
