//! A comparison that nobody measured, and that is always the same.

use crate::bench::change::FEWEST_ROUNDS;
use crate::bench::comparison::{
    Arm, Cell, Comparison, Cost, Estimate, Fact, Floor, Machine, Measure, Method, Percentiles, Placement,
    Round, SCHEMA, Warning,
};
use crate::transport::Tuning;

/// As many rounds as figures need to be ranked.
const ROUNDS: usize = FEWEST_ROUNDS;

/// Four arms: `pipe` leads, `unix` and one with a `name` of the user's tie, and `tcp` is last and void at 64 KiB.
pub(super) fn comparison(name: &str) -> Comparison {
    let arms =
        [("pipe", true), ("unix", true), (name, false), ("tcp", true)].map(|(name, ours)| arm(name, ours));
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
            says: "two context switches".into(),
            time: around(2_000.0),
            bounds: vec![Placement::Same],
        }],
        cells: cells(name),
        arms: arms.into(),
        warnings: vec![
            Warning {
                says: "3 of 6 rounds were held".into(),
                cause: "the time was up".into(),
                mend: String::new(),
            },
            Warning {
                says: "the clock source is hpet".into(),
                cause: "reading it takes long".into(),
                mend: "clocksource=tsc".into(),
            },
        ],
    }
}

fn fact(name: &str, value: &str, absent: Option<&str>) -> Fact {
    let (name, value, absent) = (name.to_owned(), value.to_owned(), absent.map(str::to_owned));
    Fact { source: format!("/proc/{name}"), name, value, absent, fleeting: false }
}

fn method() -> Method {
    let tuning = Tuning { nodelay: true, congestion: None, socket_buffer: None, pipe_size: None };
    let (warm_up, timed) = (0.001, 0.004);
    Method { rounds: ROUNDS, reference: "pipe".into(), warm_up, timed, clock: 20.0, tuning, repeated: 1 }
}

fn arm(name: &str, bundled: bool) -> Arm {
    let text = || name.to_owned();
    let command = format!("echo-{name}");
    Arm { name: text(), says: text(), transport: text(), command, bundled, unsupported: None }
}

fn cells(name: &str) -> Vec<Cell> {
    let times = [("pipe", 5_400.0), ("unix", 9_000.0), (name, 9_050.0), ("tcp", 14_200.0)];
    let mut cells = Vec::new();
    for placement in [Placement::Same, Placement::Cross] {
        for size in [64, 4_096, 65_536] {
            for (arm, time) in times {
                let time = time * (1.0 + size as f64 / 16_384.0);
                cells.push(cell(arm, placement, Measure::RoundTrip, size, time));
                cells.push(cell(arm, placement, Measure::Throughput, size, 3e9 * size as f64 / time));
            }
        }
    }
    for cell in cells.iter_mut().filter(|cell| cell.arm == "tcp" && cell.size == 65_536) {
        cell.void = Some("wrong bytes came back: at byte 3".into());
        cell.fault = true;
    }
    cells
}

fn cell(arm: &str, placement: Placement, measure: Measure, size: usize, value: f64) -> Cell {
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
    Cell {
        arm: arm.into(),
        placement,
        measure,
        size,
        rate: None,
        figure: around(value),
        ratio: None,
        percentiles: timed.then_some(percentiles),
        cost: Cost {
            client_system: 3_000.0,
            server_system: 3_500.0,
            voluntary_switches: 2.0,
            ..Cost::default()
        },
        rounds: (0..ROUNDS).map(|number| round(number, value)).collect(),
        void: None,
        fault: false,
    }
}

fn round(number: usize, figure: f64) -> Round {
    let (messages, seconds) = (1_000, 0.004);
    let cost = Cost { client_system: 3_000.0, server_system: 3_500.0, ..Cost::default() };
    Round {
        number,
        figure,
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

fn around(value: f64) -> Estimate {
    Estimate { value, low: value * 0.98, high: value * 1.03 }
}
