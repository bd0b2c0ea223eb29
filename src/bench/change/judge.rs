//! Takes the drift out, and says of each cell whether what is left is more than noise.

use std::collections::BTreeMap;

use super::series::{Group, Series, Terms};
use super::statistics::{median, random, reach, robust_width, standard_error};
use super::{Change, FEWEST_ROUNDS, Verdict};
use crate::bench::comparison::{Estimate, Measure, Placement};

/// What two runs of the same program differ by, however many rounds they have: pages, cache sets and neighbours fall
/// otherwise. As a logarithm, that is, as a part of the figure.
const BETWEEN_RUNS: f64 = 0.01;

/// How far a whole machine moves between two runs: the threshold where nothing ran beside a cell that would tell.
const MACHINE: f64 = 0.30;

/// From so many cells on their spread says how much unchanged ones vary.
const TELLING: usize = 8;

/// What is known of a cell before its family is seen.
struct Moved<'a> {
    group: &'a Group,
    place: usize,
    by: f64,
    error: f64,
}

/// Judges every cell of every group.
pub(super) fn judge(groups: &[Group], threshold: f64) -> Vec<Change> {
    let mut random = random();
    let mut moves: Vec<Moved<'_>> = Vec::new();
    for group in groups {
        for (place, series) in group.series.iter().enumerate() {
            let runs = steadied(group, series);
            let [before, now] = runs.clone().map(|mut run| median(&mut run));
            let errors = runs.map(|run| standard_error(&run, &mut random));
            let error = errors.iter().fold(BETWEEN_RUNS, |sum, error| sum.hypot(*error));
            moves.push(Moved { group, place, by: now - before, error });
        }
    }
    let typical = typical(&moves);
    let reach = reach(moves.iter().filter(|moved| !moved.group.is_only_yardstick(moved.place)).count());
    let widened = |moved: &Moved<'_>| reach * typical[&family(moved.group.terms)].max(moved.error);
    moves.iter().map(|moved| change(moved, widened(moved), threshold)).collect()
}

/// The rounds of a series without what they have in common with the yardsticks' rounds beside them.
fn steadied(group: &Group, series: &Series) -> [Vec<f64>; 2] {
    let beside: Vec<(&Series, f64)> =
        group.yardsticks().map(|yardstick| (yardstick, centre(yardstick))).collect();
    [0, 1].map(|run| {
        let common = |number: Option<usize>| common(&beside, run, number);
        let whole = common(None).unwrap_or_default();
        let taken_out = |&(number, slowness): &(usize, f64)| slowness - common(Some(number)).unwrap_or(whole);
        series.runs[run].iter().map(taken_out).collect()
    })
}

/// The middle of both runs: what the yardstick would read on the machine between them.
fn centre(series: &Series) -> f64 {
    if series.runs.iter().any(Vec::is_empty) { 0.0 } else { series.middles().iter().sum::<f64>() / 2.0 }
}

/// How much slower than usual the yardsticks were in a round, or in a whole run.
fn common(yardsticks: &[(&Series, f64)], run: usize, number: Option<usize>) -> Option<f64> {
    let rounds = yardsticks.iter().flat_map(|(series, centre)| {
        let wanted =
            series.runs[run].iter().filter(move |(own, _)| number.is_none_or(|number| number == *own));
        wanted.map(move |(_, slowness)| slowness - centre)
    });
    let mut rounds: Vec<f64> = rounds.collect();
    (!rounds.is_empty()).then(|| median(&mut rounds))
}

type Family = (Measure, Placement, bool);

fn family(terms: Terms) -> Family {
    (terms.measure, terms.placement, terms.rate.is_some())
}

/// How much a cell of each family errs, seen from how all of them erred: nobody is believed to be much calmer than its
/// kin, however alike its few rounds are.
fn typical(moves: &[Moved<'_>]) -> BTreeMap<Family, f64> {
    let mut families: BTreeMap<Family, (Vec<f64>, Vec<f64>)> = BTreeMap::new();
    for moved in moves {
        let (errors, distances) = families.entry(family(moved.group.terms)).or_default();
        errors.push(moved.error);
        distances.push(moved.by);
    }
    let width = |(mut errors, distances): (Vec<f64>, Vec<f64>)| {
        let seen = if distances.len() < TELLING { 0.0 } else { robust_width(&distances) };
        median(&mut errors).max(seen)
    };
    families.into_iter().map(|(family, cells)| (family, width(cells))).collect()
}

fn change(moved: &Moved<'_>, margin: f64, threshold: f64) -> Change {
    let series = &moved.group.series[moved.place];
    let Terms { measure, placement, size, rate } = moved.group.terms;
    let least = (1.0 + if moved.group.is_alone() { threshold.max(MACHINE) } else { threshold }).ln();
    let beyond = moved.by.abs() > least && moved.by.abs() > margin;
    let few = series.runs.iter().any(|run| run.len() < FEWEST_ROUNDS);
    let verdict = match (moved.group.is_only_yardstick(moved.place), beyond) {
        (true, _) => Verdict::Yardstick,
        _ if few => Verdict::TooFewRounds,
        (false, false) => Verdict::WithinNoise,
        (false, true) if moved.by > 0.0 => Verdict::Slower,
        (false, true) => Verdict::Faster,
    };
    let [low, value, high] = [moved.by - margin, moved.by, moved.by + margin].map(f64::exp);
    let [before, now] = series.figures;
    let times = Estimate { value, low, high };
    Change { arm: series.arm.clone(), placement, measure, size, rate, before, now, times, verdict }
}
