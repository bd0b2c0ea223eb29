//! A fixed comparison for tests.

use crate::bench::change::MIN_ROUNDS;
use crate::bench::comparison::{
    CandidateInfo, Comparison, Estimate, Fact, Floor, Machine, Measure, Measurement, MessageCost, Method,
    Percentiles, Placement, Round, SCHEMA, Warning,
};
use crate::transport::Tuning;

/// The number of rounds of the sample comparison for tests: the minimum for a ranking.
const ROUNDS: usize = MIN_ROUNDS;

/// Creates a sample comparison for tests, of four candidates: `pipe` is the best, `unix` and one called `name` tie,
/// and `tcp` is last and has no result at 64 KiB.
pub(super) fn sample_comparison(name: &str) -> Comparison {
    let candidates = [("pipe", true), ("unix", true), (name, false), ("tcp", true)]
        .map(|(name, ours)| candidate(name, ours));
    Comparison {
        schema: SCHEMA,
        version: "0.0.0".into(),
        began: 1_700_000_000,
        seconds: 9.5,
        seed: 7,
        interrupted: false,
        machine: Machine {
            system: "Linux 6.0 x86_64".into(),
            processor: Some("Some <Processor> & Sons".into()),
            processors: 2,
            pinned: Some((0, 1)),
            facts: vec![
                fact("kernel.osrelease", "6.0", None),
                fact("cpufreq governor", "", Some("this machine <does> not tell")),
            ],
        },
        method: method(),
        floors: vec![Floor {
            name: "switch".into(),
            description: "two context switches".into(),
            time: estimate(2_000.0),
            bounds: vec![Placement::Same],
        }],
        measurements: measurements(name),
        candidates: candidates.into(),
        warnings: vec![
            Warning {
                message: "only 3 of 6 rounds were completed".into(),
                cause: "the time was up".into(),
                help: String::new(),
            },
            Warning {
                message: "the clock source is hpet".into(),
                cause: "reading it takes long".into(),
                help: "clocksource=tsc".into(),
            },
        ],
    }
}

fn fact(name: &str, value: &str, unknown: Option<&str>) -> Fact {
    let (name, value, unknown) = (name.to_owned(), value.to_owned(), unknown.map(str::to_owned));
    Fact { source: format!("/proc/{name}"), name, value, unknown, varies: false }
}

fn method() -> Method {
    let tuning = Tuning { nodelay: true, congestion: None, socket_buffer: None, pipe_size: None };
    let (warm_up, timed) = (0.001, 0.004);
    Method { rounds: ROUNDS, reference: "pipe".into(), warm_up, timed, clock: 20.0, tuning, repeated: 1 }
}

fn candidate(name: &str, bundled: bool) -> CandidateInfo {
    let text = || name.to_owned();
    let command = format!("echo-{name}");
    CandidateInfo {
        name: text(),
        description: text(),
        transport: text(),
        command,
        bundled,
        unsupported: None,
    }
}

fn measurements(name: &str) -> Vec<Measurement> {
    let times = [("pipe", 5_400.0), ("unix", 9_000.0), (name, 9_050.0), ("tcp", 14_200.0)];
    let mut measurements = Vec::new();
    for placement in [Placement::Same, Placement::Cross] {
        for size in [64, 4_096, 65_536] {
            for (candidate, time) in times {
                let time = time * (1.0 + size as f64 / 16_384.0);
                measurements.push(measurement(candidate, placement, Measure::RoundTrip, size, time));
                measurements.push(measurement(
                    candidate,
                    placement,
                    Measure::Throughput,
                    size,
                    3e9 * size as f64 / time,
                ));
            }
        }
    }
    for measurement in measurements
        .iter_mut()
        .filter(|measurement| measurement.candidate == "tcp" && measurement.size == 65_536)
    {
        measurement.no_result = Some("wrong bytes came back: at byte 3".into());
        measurement.server_fault = true;
    }
    measurements
}

fn measurement(
    candidate: &str,
    placement: Placement,
    measure: Measure,
    size: usize,
    value: f64,
) -> Measurement {
    let time = value as u64;
    let timed = measure == Measure::RoundTrip;
    let percentiles = Percentiles {
        min: time / 2,
        p50: time,
        p90: time * 2,
        p99: time * 3,
        p999: time * 9,
        max: time * 20,
    };
    Measurement {
        candidate: candidate.into(),
        placement,
        measure,
        size,
        rate: None,
        estimate: estimate(value),
        ratio: None,
        percentiles: timed.then_some(percentiles),
        cost: MessageCost {
            client_system: 3_000.0,
            server_system: 3_500.0,
            voluntary_switches: 2.0,
            ..MessageCost::default()
        },
        rounds: (0..ROUNDS).map(|number| round(number, value)).collect(),
        no_result: None,
        server_fault: false,
    }
}

fn round(number: usize, value: f64) -> Round {
    let (messages, seconds) = (1_000, 0.004);
    let cost = MessageCost { client_system: 3_000.0, server_system: 3_500.0, ..MessageCost::default() };
    Round {
        number,
        value,
        messages,
        seconds,
        cost,
        repeated: 0,
        foreign: None,
        stolen: None,
        histogram: None,
        checking: None,
        lateness: None,
    }
}

fn estimate(value: f64) -> Estimate {
    Estimate { value, low: value * 0.98, high: value * 1.03 }
}
