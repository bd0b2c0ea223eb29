//! The verdict on machines whose noise is known: drift of whole runs, disturbed rounds, outliers, and rounds that differ.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::{Changes, FEWEST_ROUNDS, THRESHOLD, Verdict};
use crate::bench::comparison::{
    Arm, Cell, Comparison, Cost, Estimate, Machine, Measure, Method, Placement, Round, SCHEMA,
};
use crate::transport::Tuning;

const ARMS: [(&str, f64); 6] = [
    ("pipe", 1_880.0),
    ("fifo", 1_920.0),
    ("unix", 3_290.0),
    ("tcp", 4_450.0),
    ("udp", 3_330.0),
    ("mine", 3_400.0),
];
const ROUNDS: usize = 10;

/// A machine's noise, each as a part of the figure.
#[derive(Clone, Copy)]
struct Noise {
    /// Of a whole run, for all alike.
    drift: f64,
    /// Of a round, for all that is measured in it.
    round: f64,
    /// Of a single measurement.
    own: f64,
    /// How many of a hundred measurements take three times as long.
    outliers: u32,
}

const QUIET: Noise = Noise { drift: 0.02, round: 0.01, own: 0.01, outliers: 0 };
const NOISY: Noise = Noise { drift: 0.15, round: 0.05, own: 0.03, outliers: 5 };

/// One run in which `mine` takes `times` as long as it should.
fn run(seed: u64, noise: Noise, times: f64) -> Comparison {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let drift = noise.drift * normal(&mut random);
    let mut cells = Vec::new();
    for measure in [Measure::RoundTrip, Measure::Throughput] {
        for placement in [Placement::Same, Placement::CrossPolling] {
            for size in [64, 1_024, 65_536] {
                let shared: Vec<f64> =
                    (0..ROUNDS).map(|_| drift + noise.round * normal(&mut random)).collect();
                cells.extend(ARMS.map(|(arm, time)| {
                    let time = if arm == "mine" { time * times } else { time };
                    cell(arm, (measure, placement, size), &measured(time, &shared, noise, &mut random))
                }));
            }
        }
    }
    comparison(cells)
}

/// A quiet run in which the server of `mine` makes so many system calls for a message.
pub(super) fn run_with_calls(calls: f64) -> Comparison {
    let mut run = run(1, QUIET, 1.0);
    run.cells
        .iter_mut()
        .filter(|cell| cell.arm == "mine")
        .for_each(|cell| cell.cost.server_calls = Some(calls));
    run
}

fn measured(time: f64, shared: &[f64], noise: Noise, random: &mut ChaCha8Rng) -> Vec<f64> {
    let mut once = |shared: &f64| {
        let outlier = if random.next_u32() % 100 < noise.outliers { 3.0 } else { 1.0 };
        time * outlier * (shared + noise.own * normal(random)).exp()
    };
    shared.iter().map(&mut once).collect()
}

/// Near enough to a normal distribution (Irwin and Hall: twelve uniform numbers).
fn normal(random: &mut ChaCha8Rng) -> f64 {
    (0..12).map(|_| f64::from(random.next_u32()) / f64::from(u32::MAX)).sum::<f64>() - 6.0
}

fn cell(arm: &str, (measure, placement, size): (Measure, Placement, usize), times: &[f64]) -> Cell {
    let figure = |time: &f64| if measure == Measure::RoundTrip { *time } else { size as f64 * 1e9 / time };
    let rounds: Vec<Round> =
        times.iter().map(figure).enumerate().map(|(number, figure)| round(number, figure)).collect();
    let value = super::statistics::median(&mut rounds.iter().map(|round| round.figure).collect::<Vec<_>>());
    Cell {
        arm: arm.into(),
        placement,
        measure,
        size,
        rate: None,
        figure: Estimate { value, low: value, high: value },
        ratio: None,
        percentiles: None,
        cost: Cost::default(),
        rounds,
        void: None,
        fault: false,
    }
}

fn round(number: usize, figure: f64) -> Round {
    Round {
        number,
        figure,
        messages: 1_000,
        seconds: 0.01,
        cost: Cost::default(),
        repeated: 0,
        foreign: None,
        stolen: None,
        histogram: None,
        checking: None,
        lateness: None,
    }
}

fn comparison(cells: Vec<Cell>) -> Comparison {
    let arm = |(name, _): (&str, f64)| Arm {
        name: name.into(),
        says: String::new(),
        transport: name.into(),
        command: String::new(),
        bundled: name != "mine",
        unsupported: None,
    };
    Comparison {
        schema: SCHEMA,
        version: "0".into(),
        began: 0,
        seconds: 1.0,
        seed: 0,
        interrupted: false,
        machine: Machine::default(),
        method: Method {
            rounds: ROUNDS,
            reference: "pipe".into(),
            warm_up: 0.0,
            timed: 0.01,
            clock: 20.0,
            tuning: Tuning::default(),
            repeated: 0,
        },
        floors: Vec::new(),
        arms: ARMS.map(arm).into(),
        cells,
        warnings: Vec::new(),
    }
}

fn changes(pair: u64, noise: Noise, times: f64) -> Changes {
    Changes::between(&run(2 * pair, noise, 1.0), &run(2 * pair + 1, noise, times), THRESHOLD)
}

/// What was said of `mine`, and of everybody else.
fn verdicts(changes: &Changes, verdict: Verdict) -> [usize; 2] {
    let said = changes.cells.iter().filter(|change| change.verdict == verdict);
    let (mine, others): (Vec<_>, Vec<_>) = said.partition(|change| change.arm == "mine");
    [mine.len(), others.len()]
}

#[test]
fn unchanged_servers_are_within_noise_however_the_machine_drifts() {
    for noise in [QUIET, NOISY] {
        let alarms: Vec<u64> = (0..20).filter(|&pair| changes(pair, noise, 1.0).regressed()).collect();
        assert!(alarms.is_empty(), "alarmed by these of twenty pairs: {alarms:?}");
    }
}

/// Twelve cells of `mine` moved. On a noisy machine some of them are lost in outliers, but never most of them.
#[test]
fn a_server_that_takes_a_quarter_longer_is_found_in_every_pair_and_nobody_else_is_blamed() {
    for (noise, fewest) in [(QUIET, 12), (NOISY, 7)] {
        for pair in 0..20 {
            let [mine, others] = verdicts(&changes(pair, noise, 1.25), Verdict::Slower);
            assert!(mine >= fewest, "pair {pair}, drift {}: {mine} of 12", noise.drift);
            assert_eq!(others, 0, "pair {pair}, drift {}", noise.drift);
        }
    }
}

/// What the default threshold costs: the price of one cheap system call is not seen, on the quietest of machines.
#[test]
fn three_per_cent_pass_for_noise() {
    for pair in 0..5 {
        assert!(!changes(pair, QUIET, 1.03).regressed(), "pair {pair}");
    }
}

#[test]
fn a_tenth_more_is_found_on_a_quiet_machine() {
    for pair in 0..5 {
        assert_eq!(verdicts(&changes(pair, QUIET, 1.10), Verdict::Slower), [12, 0], "pair {pair}");
    }
}

#[test]
fn a_server_that_became_faster_is_no_regression() {
    for pair in 0..5 {
        let changes = changes(pair, NOISY, 0.75);
        let [mine, others] = verdicts(&changes, Verdict::Faster);
        assert!(mine >= 7 && others == 0, "pair {pair}: {mine} of 12, and {others} others");
        assert!(!changes.regressed());
    }
}

#[test]
fn what_is_below_the_threshold_is_never_reported() {
    for pair in 0..5 {
        let changes = Changes::between(&run(2 * pair, QUIET, 1.0), &run(2 * pair + 1, QUIET, 1.25), 0.5);
        assert!(!changes.regressed(), "pair {pair}");
    }
}

#[test]
fn a_run_compared_with_itself_has_not_moved_at_all() {
    let run = run(1, NOISY, 1.0);
    let changes = Changes::between(&run, &run, THRESHOLD);
    assert!(changes.cells.iter().all(|change| (change.times.value - 1.0).abs() < 1e-9));
    assert!(changes.differences.is_empty() && changes.unpaired.is_empty() && !changes.regressed());
}

#[test]
fn the_same_two_runs_get_the_same_answer_every_time() {
    let said = || changes(3, NOISY, 1.1).cells.iter().map(|change| change.verdict).collect::<Vec<_>>();
    assert_eq!(said(), said());
}

/// A single round has no spread at all, and would make every difference certain.
#[test]
fn runs_of_too_few_rounds_are_not_judged() {
    for rounds in 1..FEWEST_ROUNDS {
        let [before, now] = [run(1, NOISY, 1.0), run(2, NOISY, 2.0)].map(|mut run| {
            run.cells.iter_mut().for_each(|cell| cell.rounds.truncate(rounds));
            run
        });
        let changes = Changes::between(&before, &now, THRESHOLD);
        assert!(
            changes.cells.iter().all(|change| change.verdict == Verdict::TooFewRounds),
            "{rounds} rounds"
        );
        assert!(!changes.regressed());
    }
}
