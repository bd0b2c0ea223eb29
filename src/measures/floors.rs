//! What the machine costs before any mechanism does anything, measured in the same run.
//!
//! A mechanism cannot be faster than the hand-over of its placement; how many times its floor it takes says more about
//! it than its microseconds do, and travels better from one machine to another.

use std::hint::black_box;
use std::io;
use std::thread;
use std::time::{Duration, Instant};

use nix::unistd::getppid;

use super::figures::{Estimate, Floor, Placement, Warning};
use super::processors::Pair;
use crate::os::machine::{Handover, Partner, confine_process, confine_thread, hold_awake};

/// What was measured, and what was not.
#[derive(Debug, Default)]
pub struct Floors {
    /// Each floor.
    pub found: Vec<Floor>,
    /// Why one is missing.
    pub missing: Vec<Warning>,
}

/// How many batches a floor is the median of.
const BATCHES: usize = 25;

/// When a floor must do with the batches it has: a machine that is busy elsewhere makes each take long.
const LONGEST: Duration = Duration::from_millis(150);

/// Measures all floors on the processors of `pair`. Takes about 0.3 s, and at most about 1 s on a busy machine.
/// Blocks; the calling thread stays where it is.
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
            sample(20_000, || _ = black_box(Instant::now()))
        },
    },
    Kind {
        name: "getppid",
        says: "one system call that does nothing: getppid(2)",
        bounds: &[],
        measure: |pair| {
            at_home(pair);
            sample(5_000, || _ = black_box(getppid()))
        },
    },
    Kind { name: "memcpy-64k", says: "one copy of 64 KiB that is in the cache", bounds: &[], measure: copy },
    Kind {
        name: "switch",
        says: "two processes hand one processor over and back by sched_yield(2): two context switches",
        bounds: &[Placement::Same],
        measure: |pair| together(pair, Handover::Yield, 300),
    },
    Kind {
        name: "cache-line",
        says: "two processes on two processors hand a word of shared memory over and back",
        bounds: &[Placement::Spin],
        measure: |pair| apart(pair, Handover::Spin, 3_000),
    },
    Kind {
        name: "wake",
        says: "two processes on two processors that sleep wake each other and back by futex(2)",
        bounds: &[Placement::Cross],
        measure: |pair| apart(pair, Handover::Sleep, 20),
    },
    Kind {
        name: "wake-polling",
        says: "the same with idle states held off",
        bounds: &[Placement::CrossPolling],
        measure: |pair| {
            let _awake = hold_awake()?;
            apart(pair, Handover::Sleep, 100)
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
            }),
        }
    }
}

/// On the client's processor, where threads can be bound to one; elsewhere wherever the system puts it.
fn at_home(pair: &Pair) {
    let _ = confine_thread(&[pair.client]);
}

fn copy(pair: &Pair) -> io::Result<Estimate> {
    at_home(pair);
    let (from, mut to) = (vec![0x5a_u8; 64 << 10], vec![0_u8; 64 << 10]);
    sample(400, || black_box(&mut to).copy_from_slice(black_box(&from)))
}

fn together(pair: &Pair, how: Handover, repetitions: u32) -> io::Result<Estimate> {
    confine_thread(&[pair.client])?;
    hand_over(&Partner::fork(how)?, repetitions)
}

fn apart(pair: &Pair, how: Handover, repetitions: u32) -> io::Result<Estimate> {
    let server = pair.server.ok_or_else(|| io::Error::new(io::ErrorKind::Unsupported, pair.says.clone()))?;
    confine_thread(&[pair.client])?;
    let partner = Partner::fork(how)?;
    confine_process(partner.pid(), &[server])?;
    hand_over(&partner, repetitions)
}

fn hand_over(partner: &Partner, repetitions: u32) -> io::Result<Estimate> {
    let mut lost = None;
    let time = sample(repetitions, || {
        if let Err(error) = partner.round_trip() {
            lost = Some(error);
        }
    });
    lost.map_or(time, Err)
}

/// The time that `once` takes in ns: the median over batches of the mean over `repetitions`. The first batch warms up.
fn sample(repetitions: u32, mut once: impl FnMut()) -> io::Result<Estimate> {
    let began = Instant::now();
    let mut batch = || {
        let began = Instant::now();
        (0..repetitions).for_each(|_| once());
        began.elapsed().as_secs_f64() * 1e9 / f64::from(repetitions)
    };
    batch();
    let mut batches = vec![batch()];
    while batches.len() < BATCHES && began.elapsed() < LONGEST {
        batches.push(batch());
    }
    Ok(median(batches))
}

/// The median and the two order statistics between which it lies with 95 % confidence, as the binomial distribution
/// (in its normal approximation) has it; of few values the least and the greatest.
fn median(mut values: Vec<f64>) -> Estimate {
    values.sort_by(f64::total_cmp);
    let last = values.len() - 1;
    let count = values.len() as f64;
    let rank = ((count - 1.96 * count.sqrt()) / 2.0).max(0.0) as usize;
    let middle = f64::midpoint(values[last / 2], values[last.div_ceil(2)]);
    Estimate { value: middle, low: values[rank], high: values[last - rank] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measures::processors::choose;

    #[test]
    fn the_interval_of_25_batches_leaves_7_out_at_each_end() {
        let estimate = median((1..=25).rev().map(f64::from).collect());
        assert_eq!(estimate, Estimate { value: 13.0, low: 8.0, high: 18.0 });
    }

    #[test]
    fn the_interval_of_few_batches_is_all_of_them() {
        assert_eq!(median(vec![3.0, 1.0]), Estimate { value: 2.0, low: 1.0, high: 3.0 });
        assert_eq!(median(vec![5.0]), Estimate { value: 5.0, low: 5.0, high: 5.0 });
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
        assert!(floors.found.iter().any(|floor| floor.name == "getppid"));
    }
}
