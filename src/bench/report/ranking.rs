//! Ranks measurements with the same parameters.

use std::cmp::Ordering;

use crate::bench::change::MIN_ROUNDS;
use crate::bench::comparison::{CandidateInfo, Comparison, Estimate, Measure, Measurement, Parameters};

/// A ranking: all measurements of a comparison with the same parameters, the best first.
#[derive(Debug)]
pub(super) struct Ranking<'a> {
    pub parameters: Parameters,
    pub entries: Vec<RankedMeasurement<'a>>,
}

/// A measurement and its place in a ranking.
#[derive(Debug, Clone, Copy)]
pub(super) struct RankedMeasurement<'a> {
    pub candidate: &'a CandidateInfo,
    pub measurement: &'a Measurement,
    /// The rank of a measurement, from 1. Measurements whose intervals overlap that of the first of them share a
    /// rank.
    pub rank: usize,
    /// True if a measurement shares its rank with others.
    pub tied: bool,
}

/// Returns all rankings of a comparison, in the order of reports: by measure, closed loops before open ones, then by
/// placement, size and rate.
pub(super) fn rank_measurements(comparison: &Comparison) -> Vec<Ranking<'_>> {
    let measurements = comparison.measurements.iter().filter(|it| has_usable_estimate(it));
    let mut all: Vec<Parameters> = measurements.map(Measurement::parameters).collect();
    let key = |it: &Parameters| (it.measure, it.rate.is_some(), it.placement, it.size);
    let rate = |it: &Parameters| it.rate.unwrap_or_default();
    all.sort_by(|one, other| match key(one).cmp(&key(other)) {
        Ordering::Equal => rate(one).total_cmp(&rate(other)),
        unequal => unequal,
    });
    all.dedup();
    all.into_iter().map(|parameters| ranking(comparison, parameters)).collect()
}

/// Returns whether a measurement has an estimate that can be ranked.
pub(super) fn has_usable_estimate(measurement: &Measurement) -> bool {
    let value = measurement.estimate.value;
    measurement.no_result.is_none() && value.is_finite() && value > 0.0
}

fn ranking(comparison: &Comparison, parameters: Parameters) -> Ranking<'_> {
    let measurements =
        comparison.measurements.iter().filter(|it| has_usable_estimate(it) && it.parameters() == parameters);
    let info = |name: &str| comparison.candidates.iter().find(|it| it.name == name);
    let mut entries = Vec::new();
    for measurement in measurements {
        let Some(candidate) = info(&measurement.candidate) else { continue };
        entries.push(RankedMeasurement { candidate, measurement, rank: 1, tied: false });
    }
    entries.sort_by(|one, other| badness(one.measurement).total_cmp(&badness(other.measurement)));
    set_ranks(&mut entries, &comparison.method.reference);
    Ranking { parameters, entries }
}

/// Returns the value by which a measurement is ranked; lower is better.
fn badness(measurement: &Measurement) -> f64 {
    let value = measurement.estimate.value;
    if measurement.measure == Measure::RoundTrip { value } else { -value }
}

fn set_ranks(entries: &mut [RankedMeasurement<'_>], reference: &str) {
    let mut first = 0;
    for next in 0..entries.len() {
        if !overlap(entries[first].measurement, entries[next].measurement, reference) {
            first = next;
        }
        entries[next].rank = first + 1;
        if next > first {
            entries[first].tied = true;
            entries[next].tied = true;
        }
    }
}

/// Returns whether the difference of two measurements could be chance.
///
/// Uses their ratios to the reference where both have one. Ratios are computed round by round and do not contain what
/// slowed down a whole round, so their intervals are narrower. With too few rounds no difference is significant.
fn overlap(one: &Measurement, other: &Measurement, reference: &str) -> bool {
    if one.rounds.len().min(other.rounds.len()) < MIN_ROUNDS {
        return true;
    }
    match (ratio(one, reference), ratio(other, reference)) {
        (Some(one), Some(other)) => intervals_overlap(&one, &other),
        _ => intervals_overlap(&one.estimate, &other.estimate),
    }
}

fn ratio(measurement: &Measurement, reference: &str) -> Option<Estimate> {
    let one = Estimate { value: 1.0, low: 1.0, high: 1.0 };
    if measurement.candidate == reference { Some(one) } else { measurement.ratio }
}

fn intervals_overlap(one: &Estimate, other: &Estimate) -> bool {
    one.low <= other.high && other.low <= one.high
}
