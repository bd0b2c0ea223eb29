//! From the records of the rounds to figures: medians, their intervals, ratios to the reference.

use super::client::Times;
use super::comparison::{Cell, Cost, Estimate, Percentiles, Round};
use super::plan::Wish;
use super::schedule::{Log, Record, Void};
use super::statistics::{estimate, median, ratio};
use crate::bench::session::job::Task;

/// Every cell that has figures or a reason for none, in the order of contenders, placements and tasks.
pub(super) fn cells(wish: &Wish, log: &Log) -> Vec<Cell> {
    let mut cells = Vec::new();
    for (number, contender) in wish.contenders.iter().enumerate() {
        for &placement in &wish.placements {
            for task in wish.tasks(contender) {
                let of = |record: &&Record| {
                    (record.contender, record.placement) == (number, placement) && record.task.is_like(&task)
                };
                let records: Vec<_> = log.records.iter().filter(of).collect();
                let void = log.voids.iter().find(|void: &&Void| {
                    (void.contender, void.placement) == (number, placement) && void.task.is_like(&task)
                });
                if !records.is_empty() || void.is_some() {
                    let mut cell = cell(&records, &task, wish.seed);
                    let counted = log.counted.iter().find(of).map(|record| record.sample.cost);
                    let counted = counted.unwrap_or_default();
                    (cell.cost.client_calls, cell.cost.server_calls) =
                        (counted.client_calls, counted.server_calls);
                    cell.arm.clone_from(&contender.name);
                    cell.placement = placement;
                    cell.void = void.map(|void| void.why.clone());
                    cell.fault = void.is_some_and(|void| void.fault);
                    cells.push(cell);
                }
            }
        }
    }
    relate(&mut cells, wish);
    cells
}

fn cell(records: &[&Record], task: &Task, seed: u64) -> Cell {
    let figures: Vec<f64> = records.iter().map(|record| record.sample.figure).collect();
    let nothing = Estimate { value: 0.0, low: 0.0, high: 0.0 };
    Cell {
        arm: String::new(),
        placement: super::comparison::Placement::Free,
        measure: task.measure,
        size: task.size,
        rate: task.rate,
        figure: estimate(&figures, seed).unwrap_or(nothing),
        ratio: None,
        percentiles: percentiles(records),
        cost: cost(records),
        rounds: records.iter().map(|record| round(record)).collect(),
        void: None,
        fault: false,
    }
}

fn round(record: &Record) -> Round {
    let sample = record.sample.clone();
    Round {
        number: record.round,
        figure: sample.figure,
        messages: sample.messages,
        seconds: sample.seconds,
        cost: sample.cost,
        repeated: record.repeated,
        foreign: record.noise.told.then_some(record.noise.foreign),
        stolen: record.noise.told.then_some(record.noise.stolen),
        histogram: sample.histogram,
        checking: sample.checking,
        lateness: sample.lateness,
    }
}

/// Of the messages of all rounds together.
fn percentiles(records: &[&Record]) -> Option<Percentiles> {
    let mut all = Times::new();
    let histograms = records.iter().filter_map(|record| record.sample.histogram.as_deref());
    histograms.filter_map(Times::decode).for_each(|times| all.add(&times));
    (all.count() > 0).then(|| Percentiles {
        min: all.least(),
        p50: all.quantile(0.5),
        p90: all.quantile(0.9),
        p99: all.quantile(0.99),
        p999: all.quantile(0.999),
        max: all.most(),
    })
}

/// The median of the rounds, of each part by itself. System calls are not counted in them.
fn cost(records: &[&Record]) -> Cost {
    let middle = |part: fn(&Cost) -> f64| {
        median(&records.iter().map(|record| part(&record.sample.cost)).collect::<Vec<_>>())
            .unwrap_or_default()
    };
    Cost {
        client_user: middle(|cost| cost.client_user),
        client_system: middle(|cost| cost.client_system),
        server_user: middle(|cost| cost.server_user),
        server_system: middle(|cost| cost.server_system),
        voluntary_switches: middle(|cost| cost.voluntary_switches),
        involuntary_switches: middle(|cost| cost.involuntary_switches),
        client_calls: None,
        server_calls: None,
    }
}

/// Sets each cell's ratio to the same cell of the reference.
fn relate(cells: &mut [Cell], wish: &Wish) {
    let same = |one: &Cell, other: &Cell| {
        (one.placement, one.measure, one.size, one.rate)
            == (other.placement, other.measure, other.size, other.rate)
    };
    let reference: Vec<Cell> =
        cells.iter().filter(|cell| cell.arm == wish.reference && cell.void.is_none()).cloned().collect();
    for cell in cells.iter_mut().filter(|cell| cell.arm != wish.reference && cell.void.is_none()) {
        let Some(other) = reference.iter().find(|other| same(other, cell)) else { continue };
        let pairs: Vec<_> = cell
            .rounds
            .iter()
            .filter_map(|round| {
                let twin = other.rounds.iter().find(|twin| twin.number == round.number)?;
                Some((round.figure, twin.figure))
            })
            .collect();
        cell.ratio = ratio(&pairs, wish.seed);
    }
}
