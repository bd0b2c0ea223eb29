//! What else used the processors while a session was held.

use std::io;
use std::time::{Duration, Instant};

use nix::unistd::Pid;

use super::cpu_usage::Accounts;
use crate::bench::placement::Site;
use crate::sys::{ProcessorTime, processor_time, usable_processors};

/// More than this part of the time of a processor is a disturbance.
const BEARABLE: f64 = 0.05;

/// So many grains of the system's own count may be missed or counted twice: at both ends, by us and by others.
const GRAINS: u32 = 2;

/// A look at the processors of a session, and at its processes.
#[derive(Debug)]
pub(in crate::bench) struct Watch {
    processors: Vec<usize>,
    began: Instant,
    /// Absent where the system does not tell.
    before: io::Result<(ProcessorTime, Accounts)>,
}

/// What others used meanwhile.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(in crate::bench) struct Noise {
    /// Of the processors' time, the part that other processes of this machine used.
    pub foreign: f64,
    /// The part that the hypervisor gave to other machines.
    pub stolen: f64,
    /// Whether the system tells either.
    pub told: bool,
}

impl Watch {
    /// From now on everything counts that is not done by `family`.
    pub fn begin(site: &Site, family: &[Pid]) -> Watch {
        let mut processors = site.processors();
        if processors.is_empty() {
            processors = usable_processors().unwrap_or_default();
        }
        let before = look(&processors, family);
        Watch { processors, began: Instant::now(), before }
    }

    /// What was done by others; nothing where the system does not tell.
    pub fn end(self, family: &[Pid]) -> Noise {
        let took = self.began.elapsed() * u32::try_from(self.processors.len()).unwrap_or(1);
        match (self.before, look(&self.processors, family)) {
            (Ok((before, earlier)), Ok((now, later))) => {
                Noise::among(&before, &now, later.since(&earlier).cpu(), took)
            }
            _ => Noise::default(),
        }
    }
}

fn look(processors: &[usize], family: &[Pid]) -> io::Result<(ProcessorTime, Accounts)> {
    Ok((processor_time(processors)?, Accounts::of(family.iter().copied())?))
}

impl Noise {
    /// What is left of the busy time when our `own` is taken off, as a part of the time that went by.
    fn among(before: &ProcessorTime, now: &ProcessorTime, own: Duration, took: Duration) -> Noise {
        let blur = now.resolution * GRAINS;
        let part = |time: Duration| {
            time.saturating_sub(blur).as_secs_f64() / took.as_secs_f64().max(f64::MIN_POSITIVE)
        };
        Noise {
            foreign: part(now.busy.saturating_sub(before.busy).saturating_sub(own)),
            stolen: part(now.stolen.saturating_sub(before.stolen)),
            told: true,
        }
    }

    /// The part of the processors' time that was lost to the session.
    pub fn share(&self) -> f64 {
        self.foreign + self.stolen
    }

    /// What disturbed, if anything did.
    pub fn cause(&self) -> Option<String> {
        let percent = |part: f64| format!("{:.0} %", part * 100.0);
        match (self.share() > BEARABLE, self.foreign > self.stolen) {
            (false, _) => None,
            (true, true) => Some(format!("other processes used {} of the processors", percent(self.foreign))),
            (true, false) => {
                Some(format!("the hypervisor gave {} of the time to others", percent(self.stolen)))
            }
        }
    }
}

impl std::ops::Add for Noise {
    type Output = Noise;

    /// Of two sessions in a row, the worse of each.
    fn add(self, other: Noise) -> Noise {
        Noise {
            foreign: self.foreign.max(other.foreign),
            stolen: self.stolen.max(other.stolen),
            told: self.told || other.told,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn noise(busy: u32, stolen: u32, own: u32) -> Noise {
        let before = ProcessorTime { busy: MS * 1000, stolen: MS * 50, resolution: MS * 10 };
        let now = ProcessorTime { busy: MS * (1000 + busy), stolen: MS * (50 + stolen), resolution: MS * 10 };
        Noise::among(&before, &now, MS * own, MS * 1000)
    }

    #[test]
    fn our_own_work_is_no_disturbance() {
        assert_eq!(noise(1000, 0, 990).cause(), None);
        assert_eq!(noise(10, 0, 500).share(), 0.0);
    }

    #[test]
    fn the_work_of_others_is_and_so_is_theft() {
        assert_eq!(noise(600, 0, 480).cause().unwrap(), "other processes used 10 % of the processors");
        assert_eq!(noise(480, 320, 480).cause().unwrap(), "the hypervisor gave 30 % of the time to others");
    }

    #[test]
    fn what_a_clock_of_ticks_cannot_tell_is_not_held_against_anyone() {
        assert_eq!(noise(500, 20, 480).cause(), None);
    }
}
