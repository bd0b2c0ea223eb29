//! Measures floors: the times of the machine's own operations, below which no mechanism can go.
//!
//! A mechanism cannot be faster than the hand-over between processes at its placement. How many times the floor it takes
//! differs less from machine to machine than its microseconds do.

use std::hint::black_box;
use std::io;
use std::thread;
use std::time::Instant;

use nix::unistd::getppid;

use super::comparison::{Estimate, Floor, Placement, Warning};
use super::placement::processors::ProcessorPair;
use crate::sys::{
    ForkedPartner, PartnerWaitMode, disable_idle_states, pin_process, pin_thread, resource_usage,
};

mod batches;

use batches::time_per_call;

/// The floors of a machine: the times of its own operations, below which no mechanism can go.
#[derive(Debug, Default)]
pub struct Floors {
    /// The floors, costs of the machine's own operations, that were measured.
    pub measured: Vec<Floor>,
    /// Warnings that tell for each floor that was not measured, a cost of the machine's own operations, the reason.
    pub missing: Vec<Warning>,
}

/// The minimum share of round trips in which the partner process must have slept, so that their time counts as that of
/// a wake-up.
const ASLEEP: f64 = 0.9;

/// Measures all floors of the machine, the costs of its own operations, on the processors of `pair`. Takes about 0.2
/// s. On a busy machine it takes up to 0.5 s, and some floors may be missing.
#[must_use]
pub fn measure_floors(pair: &ProcessorPair) -> Floors {
    let measure = || {
        let mut floors = Floors::default();
        for kind in KINDS {
            floors.measure(kind, pair);
        }
        floors
    };
    // In a thread of its own, so that the affinity of the calling thread stays as it is.
    thread::scope(|scope| scope.spawn(measure).join()).unwrap_or_default()
}

/// A kind of floor, an operation of the machine itself, and the function that measures it.
struct Kind {
    name: &'static str,
    description: &'static str,
    bounds: &'static [Placement],
    measure: fn(&ProcessorPair) -> io::Result<Estimate>,
}

const KINDS: &[Kind] = &[
    Kind {
        name: "clock",
        description: "one reading of the monotonic clock, part of every timed message",
        bounds: &[],
        measure: |pair| {
            confine_to_client(pair);
            time_per_call(5_000, || _ = black_box(Instant::now()))
        },
    },
    Kind {
        name: "syscall",
        description: "one system call that does nothing: getppid(2)",
        bounds: &[],
        measure: |pair| {
            confine_to_client(pair);
            time_per_call(1_000, || _ = black_box(getppid()))
        },
    },
    Kind { name: "memcpy-64k", description: "one copy of 64 KiB in the cache", bounds: &[], measure: copy },
    Kind {
        name: "switch",
        description: "two context switches, there and back, by sched_yield(2)",
        bounds: &[Placement::Same],
        measure: |pair| on_one_processor(pair, PartnerWaitMode::Yield, 50),
    },
    Kind {
        name: "cache-line",
        description: "a word of shared memory passed to another processor and back",
        bounds: &[Placement::Spin],
        measure: |pair| on_two_processors(pair, PartnerWaitMode::Spin, 500),
    },
    Kind {
        name: "wake",
        description: "a sleeping processor is woken by futex(2), and wakes the other",
        bounds: &[Placement::Cross],
        measure: |pair| on_two_processors(pair, PartnerWaitMode::Sleep, 10),
    },
    Kind {
        name: "wake-polling",
        description: "the same, with processors kept out of their idle states",
        bounds: &[Placement::CrossPolling],
        measure: |pair| {
            let _awake = disable_idle_states()?;
            on_two_processors(pair, PartnerWaitMode::Sleep, 50)
        },
    },
];

impl Floors {
    fn measure(&mut self, kind: &Kind, pair: &ProcessorPair) {
        let Kind { name, description, bounds, .. } = *kind;
        match (kind.measure)(pair) {
            Ok(time) => self.measured.push(Floor {
                name: name.into(),
                description: description.into(),
                time,
                bounds: bounds.into(),
            }),
            Err(error) => self.missing.push(Warning {
                message: format!("the machine's floor '{name}' was not measured"),
                cause: error.to_string(),
                help: String::new(),
            }),
        }
    }
}

/// Binds this thread to the processor that the client uses, if the system can bind threads.
fn confine_to_client(pair: &ProcessorPair) {
    let _ = pin_thread(&[pair.client]);
}

fn copy(pair: &ProcessorPair) -> io::Result<Estimate> {
    confine_to_client(pair);
    let (from, mut to) = (vec![0x5a_u8; 64 << 10], vec![0_u8; 64 << 10]);
    time_per_call(100, || black_box(&mut to).copy_from_slice(black_box(&from)))
}

fn on_one_processor(pair: &ProcessorPair, how: PartnerWaitMode, repetitions: u32) -> io::Result<Estimate> {
    pin_thread(&[pair.client])?;
    time_handover(&ForkedPartner::fork(how)?, repetitions)
}

fn on_two_processors(pair: &ProcessorPair, how: PartnerWaitMode, repetitions: u32) -> io::Result<Estimate> {
    let unsupported = || io::Error::new(io::ErrorKind::Unsupported, pair.description.clone());
    let server = pair.server.ok_or_else(unsupported)?;
    pin_thread(&[pair.client])?;
    let partner = ForkedPartner::fork(how)?;
    pin_process(partner.pid(), &[server])?;
    time_handover(&partner, repetitions)
}

fn time_handover(partner: &ForkedPartner, repetitions: u32) -> io::Result<Estimate> {
    let mut failure = None;
    let (mut iterations, before) = (0_u64, sleeps_of(partner));
    let time = time_per_call(repetitions, || {
        iterations += 1;
        if let Err(error) = partner.round_trip() {
            failure = Some(error);
        }
    });
    if let Some(error) = failure {
        return Err(error);
    }
    if partner.sleeps() {
        check_sleep(before.zip(sleeps_of(partner)), iterations)?;
    }
    time
}

/// Returns how often the partner process of a floor's measurement has gone to sleep so far, if the system tells.
fn sleeps_of(partner: &ForkedPartner) -> Option<u64> {
    let switches = resource_usage(partner.pid()).ok()?.switches?;
    Some(switches.values().map(|thread| thread.voluntary).sum())
}

/// Fails unless the partner process slept in nearly all iterations: otherwise the measured time is not that of a
/// wake-up.
fn check_sleep(counts: Option<(u64, u64)>, iterations: u64) -> io::Result<()> {
    let (before, after) =
        counts.ok_or_else(|| io::Error::other("this system does not tell whether the other side slept"))?;
    let slept = after.saturating_sub(before);
    if slept as f64 >= ASLEEP * iterations as f64 {
        return Ok(());
    }
    Err(io::Error::other(format!("the other side slept in only {slept} of {iterations} iterations")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::placement::processors::choose_processors;

    #[test]
    fn wake_up_needs_a_partner_that_slept() {
        assert!(check_sleep(Some((5, 105)), 100).is_ok());
        let text = check_sleep(Some((5, 20)), 100).unwrap_err().to_string();
        assert!(text.contains("15 of 100"), "{text}");
        assert!(check_sleep(None, 100).is_err());
    }

    #[test]
    fn each_floor_is_measured_or_missing() {
        let floors = measure_floors(&choose_processors().unwrap());
        assert_eq!(floors.measured.len() + floors.missing.len(), KINDS.len());
        assert!(floors.measured.iter().all(|floor| floor.time.value > 0.0));
        for missing in &floors.missing {
            assert!(!missing.cause.is_empty(), "{missing:?}");
        }
    }

    #[test]
    fn single_processor_has_no_floor_for_two() {
        let single = ProcessorPair { server: None, ..choose_processors().unwrap() };
        let floors = measure_floors(&single);
        assert!(floors.measured.iter().all(|floor| !floor.bounds.contains(&Placement::Spin)));
        // A busy machine may have no time for a floor.
        let busy =
            |missing: &Warning| missing.cause.contains("busy") && missing.message.contains("'syscall'");
        let measured = floors.measured.iter().any(|floor| floor.name == "syscall");
        assert!(measured || floors.missing.iter().any(busy));
    }
}
