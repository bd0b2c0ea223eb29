//! What the machine costs before any mechanism does anything, measured in the same run.
//!
//! A mechanism cannot be faster than the hand-over of its placement; how many times its floor it takes says more about
//! it than its microseconds do, and travels better from one machine to another.

use std::hint::black_box;
use std::io;
use std::thread;
use std::time::Instant;

use nix::unistd::getppid;

use super::comparison::{Estimate, Floor, Placement, Warning};
use crate::bench::placement::processors::Pair;
use crate::sys::{ForkedPartner, WaitMethod, disable_idle_states, pin_process, pin_thread, resource_usage};

mod batches;

use batches::sample;

/// What was measured, and what was not.
#[derive(Debug, Default)]
pub struct Floors {
    /// Each floor.
    pub found: Vec<Floor>,
    /// Why one is missing.
    pub missing: Vec<Warning>,
}

/// A floor of sleeping is none unless the partner slept in so many of its turns.
const ASLEEP: f64 = 0.9;

/// Measures all floors on the processors of `pair`: in about 0.2 s, and in less than 0.5 s on a busy machine, where some
/// may then be missing. Blocks; the calling thread stays where it is.
#[must_use]
pub fn floors(pair: &Pair) -> Floors {
    let measure = || {
        let mut floors = Floors::default();
        for kind in KINDS {
            floors.take(kind, pair);
        }
        floors
    };
    // A thread of its own is confined and gone: no mask is left to be restored.
    thread::scope(|scope| scope.spawn(measure).join()).unwrap_or_default()
}

/// The floor under round trips of `placement`, if it was measured.
#[must_use]
pub fn under(floors: &[Floor], placement: Placement) -> Option<&Floor> {
    floors.iter().find(|floor| floor.bounds.contains(&placement))
}

struct Kind {
    name: &'static str,
    says: &'static str,
    bounds: &'static [Placement],
    measure: fn(&Pair) -> io::Result<Estimate>,
}

const KINDS: &[Kind] = &[
    Kind {
        name: "clock",
        says: "one reading of the monotonic clock, which every timed message pays for",
        bounds: &[],
        measure: |pair| {
            at_home(pair);
            sample(5_000, || _ = black_box(Instant::now()))
        },
    },
    Kind {
        name: "syscall",
        says: "one system call that does nothing: getppid(2)",
        bounds: &[],
        measure: |pair| {
            at_home(pair);
            sample(1_000, || _ = black_box(getppid()))
        },
    },
    Kind { name: "memcpy-64k", says: "one copy of 64 KiB that is in the cache", bounds: &[], measure: copy },
    Kind {
        name: "switch",
        says: "two context switches: a processor handed over and back by sched_yield(2)",
        bounds: &[Placement::Same],
        measure: |pair| together(pair, WaitMethod::Yield, 50),
    },
    Kind {
        name: "cache-line",
        says: "a word of shared memory handed to another processor and back",
        bounds: &[Placement::Spin],
        measure: |pair| apart(pair, WaitMethod::Spin, 500),
    },
    Kind {
        name: "wake",
        says: "a processor that sleeps is woken by futex(2), and wakes the other",
        bounds: &[Placement::Cross],
        measure: |pair| apart(pair, WaitMethod::Sleep, 10),
    },
    Kind {
        name: "wake-polling",
        says: "the same with idle states held off",
        bounds: &[Placement::CrossPolling],
        measure: |pair| {
            let _awake = disable_idle_states()?;
            apart(pair, WaitMethod::Sleep, 50)
        },
    },
];

impl Floors {
    fn take(&mut self, kind: &Kind, pair: &Pair) {
        let Kind { name, says, bounds, .. } = *kind;
        match (kind.measure)(pair) {
            Ok(time) => {
                self.found.push(Floor { name: name.into(), says: says.into(), time, bounds: bounds.into() });
            }
            Err(error) => self.missing.push(Warning {
                says: format!("the machine's floor '{name}' was not measured"),
                cause: error.to_string(),
                mend: String::new(),
            }),
        }
    }
}

/// On the client's processor, where threads can be bound to one; elsewhere wherever the system puts it.
fn at_home(pair: &Pair) {
    let _ = pin_thread(&[pair.client]);
}

fn copy(pair: &Pair) -> io::Result<Estimate> {
    at_home(pair);
    let (from, mut to) = (vec![0x5a_u8; 64 << 10], vec![0_u8; 64 << 10]);
    sample(100, || black_box(&mut to).copy_from_slice(black_box(&from)))
}

fn together(pair: &Pair, how: WaitMethod, repetitions: u32) -> io::Result<Estimate> {
    pin_thread(&[pair.client])?;
    hand_over(&ForkedPartner::fork(how)?, repetitions)
}

fn apart(pair: &Pair, how: WaitMethod, repetitions: u32) -> io::Result<Estimate> {
    let server = pair.server.ok_or_else(|| io::Error::new(io::ErrorKind::Unsupported, pair.says.clone()))?;
    pin_thread(&[pair.client])?;
    let partner = ForkedPartner::fork(how)?;
    pin_process(partner.pid(), &[server])?;
    hand_over(&partner, repetitions)
}

fn hand_over(partner: &ForkedPartner, repetitions: u32) -> io::Result<Estimate> {
    let mut lost = None;
    let (mut turns, before) = (0_u64, slept(partner));
    let time = sample(repetitions, || {
        turns += 1;
        if let Err(error) = partner.round_trip() {
            lost = Some(error);
        }
    });
    if let Some(error) = lost {
        return Err(error);
    }
    if partner.sleeps() {
        prove_sleep(before.zip(slept(partner)), turns)?;
    }
    time
}

/// How often the partner has gone to sleep so far, where that is told.
fn slept(partner: &ForkedPartner) -> Option<u64> {
    let switches = resource_usage(partner.pid()).ok()?.switches?;
    Some(switches.values().map(|thread| thread.voluntary).sum())
}

/// A partner that was never asleep cannot have been woken: then it was something else that took the time.
fn prove_sleep(counts: Option<(u64, u64)>, turns: u64) -> io::Result<()> {
    let (before, after) =
        counts.ok_or_else(|| io::Error::other("whether the other side slept is not told on this system"))?;
    let slept = after.saturating_sub(before);
    if slept as f64 >= ASLEEP * turns as f64 {
        return Ok(());
    }
    Err(io::Error::other(format!("the other side slept in {slept} of {turns} turns only, so nobody woke it")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::placement::processors::choose;

    #[test]
    fn a_partner_that_never_slept_was_never_woken() {
        assert!(prove_sleep(Some((5, 105)), 100).is_ok());
        let text = prove_sleep(Some((5, 20)), 100).unwrap_err().to_string();
        assert!(text.contains("15 of 100"), "{text}");
        assert!(prove_sleep(None, 100).is_err());
    }

    #[test]
    fn every_floor_is_measured_or_said_to_be_missing() {
        let floors = floors(&choose().unwrap());
        assert_eq!(floors.found.len() + floors.missing.len(), KINDS.len());
        assert!(floors.found.iter().all(|floor| floor.time.value > 0.0));
        assert!(under(&floors.found, Placement::Free).is_none());
        for missing in &floors.missing {
            assert!(!missing.cause.is_empty(), "{missing:?}");
        }
    }

    #[test]
    fn one_processor_has_the_floors_of_one_processor() {
        let alone = Pair { server: None, ..choose().unwrap() };
        let floors = floors(&alone);
        assert!(under(&floors.found, Placement::Spin).is_none());
        // A machine that is too busy for a floor is no fault of this test.
        let busy = |missing: &Warning| missing.cause.contains("busy") && missing.says.contains("'syscall'");
        let found = floors.found.iter().any(|floor| floor.name == "syscall");
        assert!(found || floors.missing.iter().any(busy));
    }
}
