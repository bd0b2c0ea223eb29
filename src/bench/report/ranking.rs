//! Which figures may be ranked against each other, and in which order.

use crate::bench::change::FEWEST_ROUNDS;
use crate::bench::comparison::{Arm, Cell, Comparison, Estimate, Measure, Placement};

/// All that must be equal for two figures to be comparable.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub(super) struct Terms {
    pub measure: Measure,
    /// True for an open loop: such groups come after the closed ones of their measure.
    pub open: bool,
    pub placement: Placement,
    pub size: usize,
    pub rate: Option<f64>,
}

impl Terms {
    pub fn of(cell: &Cell) -> Terms {
        let Cell { placement, measure, size, rate, .. } = *cell;
        Terms { measure, open: rate.is_some(), placement, size, rate }
    }
}

/// The figures under the same terms, the best first.
#[derive(Debug)]
pub(super) struct Group<'a> {
    pub terms: Terms,
    pub places: Vec<Place<'a>>,
}

/// A figure's place in its group.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub arm: &'a Arm,
    pub cell: &'a Cell,
    /// From 1 on; equal where the intervals overlap that of the best among them.
    pub rank: usize,
    /// Whether others have the same rank.
    pub tied: bool,
}

/// Every group that has a valid figure, in the order in which they are read.
pub(super) fn groups(comparison: &Comparison) -> Vec<Group<'_>> {
    let mut all: Vec<Terms> = comparison.cells.iter().filter(|cell| valid(cell)).map(Terms::of).collect();
    all.sort_by(|one, other| one.partial_cmp(other).unwrap_or(std::cmp::Ordering::Equal));
    all.dedup();
    all.into_iter().map(|terms| group(comparison, terms)).collect()
}

/// Whether a figure may be used at all.
pub(super) fn valid(cell: &Cell) -> bool {
    cell.void.is_none() && cell.figure.value.is_finite() && cell.figure.value > 0.0
}

fn group(comparison: &Comparison, terms: Terms) -> Group<'_> {
    let cells = comparison.cells.iter().filter(|cell| valid(cell) && Terms::of(cell) == terms);
    let arm = |cell: &Cell| comparison.arms.iter().find(|arm| arm.name == cell.arm);
    let mut places: Vec<Place<'_>> =
        cells.filter_map(|cell| Some(Place { arm: arm(cell)?, cell, rank: 1, tied: false })).collect();
    places.sort_by(|one, other| badness(one.cell).total_cmp(&badness(other.cell)));
    rank(&mut places, &comparison.method.reference);
    Group { terms, places }
}

/// Less is better.
fn badness(cell: &Cell) -> f64 {
    if cell.measure == Measure::RoundTrip { cell.figure.value } else { -cell.figure.value }
}

/// Gives places that overlap the first of their rank the same rank.
fn rank(places: &mut [Place<'_>], reference: &str) {
    let mut first = 0;
    for next in 0..places.len() {
        if !overlap(places[first].cell, places[next].cell, reference) {
            first = next;
        }
        places[next].rank = first + 1;
        if next > first {
            places[first].tied = true;
            places[next].tied = true;
        }
    }
}

/// Whether the difference of two figures could be chance.
///
/// The ratios to the reference were taken round by round, so that what slowed a whole round down is in none of them:
/// their intervals are the sharper ones wherever both have one. Too few rounds have no interval worth the name.
fn overlap(one: &Cell, other: &Cell, reference: &str) -> bool {
    if one.rounds.len().min(other.rounds.len()) < FEWEST_ROUNDS {
        return true;
    }
    match (by_reference(one, reference), by_reference(other, reference)) {
        (Some(one), Some(other)) => touch(&one, &other),
        _ => touch(&one.figure, &other.figure),
    }
}

fn by_reference(cell: &Cell, reference: &str) -> Option<Estimate> {
    let itself = Estimate { value: 1.0, low: 1.0, high: 1.0 };
    if cell.arm == reference { Some(itself) } else { cell.ratio }
}

fn touch(one: &Estimate, other: &Estimate) -> bool {
    one.low <= other.high && other.low <= one.high
}
