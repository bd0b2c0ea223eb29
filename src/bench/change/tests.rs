//! Judges simulated runs with known noise: drift, disturbed rounds and outliers.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::{Changes, DEFAULT_THRESHOLD, MIN_ROUNDS, Verdict};
use crate::bench::comparison::{
    CandidateInfo, Comparison, Estimate, Machine, Measure, Measurement, MessageCost, Method, Placement,
    Round, SCHEMA,
};
use crate::transport::Tuning;

const CANDIDATES: [(&str, f64); 6] = [
    ("pipe", 1_880.0),
    ("fifo", 1_920.0),
    ("unix", 3_290.0),
    ("tcp", 4_450.0),
    ("udp", 3_330.0),
    ("mine", 3_400.0),
];
const ROUNDS: usize = 10;

/// The simulated noise of a machine, as shares of the measured time.
#[derive(Clone, Copy)]
struct Noise {
    /// The standard deviation of the simulated drift of whole runs.
    drift: f64,
    /// The standard deviation of the simulated noise of rounds.
    round: f64,
    /// The standard deviation of the simulated noise of single samples.
    own: f64,
    /// The percentage of simulated samples that take three times as long.
    outliers: u32,
}

const QUIET: Noise = Noise { drift: 0.02, round: 0.01, own: 0.01, outliers: 0 };
const NOISY: Noise = Noise { drift: 0.15, round: 0.05, own: 0.03, outliers: 5 };

/// Simulates a run of a comparison in which the server `mine` takes `factor` times as long.
fn run(seed: u64, noise: Noise, factor: f64) -> Comparison {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let drift = noise.drift * normal(&mut random);
    let mut measurements = Vec::new();
    for measure in [Measure::RoundTrip, Measure::Throughput] {
        for placement in [Placement::Same, Placement::CrossPolling] {
            for size in [64, 1_024, 65_536] {
                let shared: Vec<f64> =
                    (0..ROUNDS).map(|_| drift + noise.round * normal(&mut random)).collect();
                measurements.extend(CANDIDATES.map(|(candidate, time)| {
                    let time = if candidate == "mine" { time * factor } else { time };
                    measurement(
                        candidate,
                        (measure, placement, size),
                        &measured(time, &shared, noise, &mut random),
                    )
                }));
            }
        }
    }
    comparison(measurements)
}

/// Simulates a quiet run of a comparison in which the server of `mine` makes `calls` system calls for each message.
pub(super) fn run_with_calls(calls: f64) -> Comparison {
    let mut run = run(1, QUIET, 1.0);
    run.measurements
        .iter_mut()
        .filter(|measurement| measurement.candidate == "mine")
        .for_each(|measurement| measurement.cost.server_calls = Some(calls));
    run
}

fn measured(time: f64, shared: &[f64], noise: Noise, random: &mut ChaCha8Rng) -> Vec<f64> {
    let mut once = |shared: &f64| {
        let outlier = if random.next_u32() % 100 < noise.outliers { 3.0 } else { 1.0 };
        time * outlier * (shared + noise.own * normal(random)).exp()
    };
    shared.iter().map(&mut once).collect()
}

/// Approximates a normal distribution by the sum of twelve uniform numbers (Irwin and Hall).
fn normal(random: &mut ChaCha8Rng) -> f64 {
    (0..12).map(|_| f64::from(random.next_u32()) / f64::from(u32::MAX)).sum::<f64>() - 6.0
}

fn measurement(
    candidate: &str,
    (measure, placement, size): (Measure, Placement, usize),
    times: &[f64],
) -> Measurement {
    let value = |time: &f64| if measure == Measure::RoundTrip { *time } else { size as f64 * 1e9 / time };
    let rounds: Vec<Round> =
        times.iter().map(value).enumerate().map(|(number, value)| round(number, value)).collect();
    let value = super::statistics::median(&mut rounds.iter().map(|round| round.value).collect::<Vec<_>>());
    Measurement {
        candidate: candidate.into(),
        placement,
        measure,
        size,
        rate: None,
        estimate: Estimate { value, low: value, high: value },
        ratio: None,
        percentiles: None,
        cost: MessageCost::default(),
        rounds,
        no_result: None,
        server_fault: false,
    }
}

fn round(number: usize, value: f64) -> Round {
    Round {
        number,
        value,
        messages: 1_000,
        seconds: 0.01,
        cost: MessageCost::default(),
        repeated: 0,
        foreign: None,
        stolen: None,
        histogram: None,
        checking: None,
        lateness: None,
    }
}

fn comparison(measurements: Vec<Measurement>) -> Comparison {
    let candidate = |(name, _): (&str, f64)| CandidateInfo {
        name: name.into(),
        description: String::new(),
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
        candidates: CANDIDATES.map(candidate).into(),
        measurements,
        warnings: Vec::new(),
    }
}

fn changes(pair: u64, noise: Noise, factor: f64) -> Changes {
    Changes::between(&run(2 * pair, noise, 1.0), &run(2 * pair + 1, noise, factor), DEFAULT_THRESHOLD)
}

/// Returns the numbers of changes with `verdict`: those of the candidate `mine`, and those of all other candidates.
fn verdicts(changes: &Changes, verdict: Verdict) -> [usize; 2] {
    let matching = changes.measurements.iter().filter(|change| change.verdict == verdict);
    let (mine, others): (Vec<_>, Vec<_>) = matching.partition(|change| change.candidate == "mine");
    [mine.len(), others.len()]
}

#[test]
fn unchanged_servers_are_within_noise() {
    for noise in [QUIET, NOISY] {
        let alarms: Vec<u64> = (0..20).filter(|&pair| changes(pair, noise, 1.0).has_regression()).collect();
        assert!(alarms.is_empty(), "false alarms in pairs: {alarms:?}");
    }
}

/// Verifies that most of the twelve measurements of a slower server are found. On a noisy machine outliers hide some
/// of them.
#[test]
fn finds_only_the_server_that_is_25_percent_slower() {
    for (noise, fewest) in [(QUIET, 12), (NOISY, 7)] {
        for pair in 0..20 {
            let [mine, others] = verdicts(&changes(pair, noise, 1.25), Verdict::Slower);
            assert!(mine >= fewest, "pair {pair}, drift {}: {mine} of 12", noise.drift);
            assert_eq!(others, 0, "pair {pair}, drift {}", noise.drift);
        }
    }
}

/// Verifies that the default threshold hides a change as small as one cheap system call, even on a quiet machine.
#[test]
fn ignores_3_percent() {
    for pair in 0..5 {
        assert!(!changes(pair, QUIET, 1.03).has_regression(), "pair {pair}");
    }
}

#[test]
fn finds_10_percent_on_a_quiet_machine() {
    for pair in 0..5 {
        assert_eq!(verdicts(&changes(pair, QUIET, 1.10), Verdict::Slower), [12, 0], "pair {pair}");
    }
}

#[test]
fn faster_server_is_no_regression() {
    for pair in 0..5 {
        let changes = changes(pair, NOISY, 0.75);
        let [mine, others] = verdicts(&changes, Verdict::Faster);
        assert!(mine >= 7 && others == 0, "pair {pair}: {mine} of 12, and {others} others");
        assert!(!changes.has_regression());
    }
}

#[test]
fn ignores_changes_below_the_threshold() {
    for pair in 0..5 {
        let changes = Changes::between(&run(2 * pair, QUIET, 1.0), &run(2 * pair + 1, QUIET, 1.25), 0.5);
        assert!(!changes.has_regression(), "pair {pair}");
    }
}

#[test]
fn run_does_not_differ_from_itself() {
    let run = run(1, NOISY, 1.0);
    let changes = Changes::between(&run, &run, DEFAULT_THRESHOLD);
    assert!(changes.measurements.iter().all(|change| (change.time_ratio.value - 1.0).abs() < 1e-9));
    assert!(changes.settings.is_empty() && changes.unpaired.is_empty() && !changes.has_regression());
}

#[test]
fn comparing_again_gives_the_same_result() {
    let verdicts =
        || changes(3, NOISY, 1.1).measurements.iter().map(|change| change.verdict).collect::<Vec<_>>();
    assert_eq!(verdicts(), verdicts());
}

/// Verifies that a single round is not judged: it has no variance, and would make every difference significant.
#[test]
fn does_not_judge_too_few_rounds() {
    for rounds in 1..MIN_ROUNDS {
        let [before, now] = [run(1, NOISY, 1.0), run(2, NOISY, 2.0)].map(|mut run| {
            run.measurements.iter_mut().for_each(|measurement| measurement.rounds.truncate(rounds));
            run
        });
        let changes = Changes::between(&before, &now, DEFAULT_THRESHOLD);
        assert!(
            changes.measurements.iter().all(|change| change.verdict == Verdict::TooFewRounds),
            "{rounds} rounds"
        );
        assert!(!changes.has_regression());
    }
}
