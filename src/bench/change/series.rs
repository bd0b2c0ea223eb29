//! The rounds of two runs, brought together.

use super::statistics::median;
use crate::bench::comparison::{Cell, Comparison, Measure, Placement, Round};

/// Everything that must be equal for figures to have been measured side by side.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Terms {
    pub measure: Measure,
    pub placement: Placement,
    pub size: usize,
    pub rate: Option<f64>,
}

impl Terms {
    fn of(cell: &Cell) -> Terms {
        Terms { measure: cell.measure, placement: cell.placement, size: cell.size, rate: cell.rate }
    }
}

/// What was measured under the same terms.
#[derive(Debug)]
pub(super) struct Group {
    pub terms: Terms,
    pub series: Vec<Series>,
    /// Which of them the others are judged by.
    yardsticks: Vec<usize>,
}

/// One arm's rounds in both runs, each as the logarithm of the time that a message takes.
#[derive(Debug)]
pub(super) struct Series {
    pub arm: String,
    pub figures: [f64; 2],
    /// Of the first run and of the second, each with the number of its round.
    pub runs: [Vec<(usize, f64)>; 2],
}

impl Series {
    fn of(before: &Cell, now: &Cell) -> Series {
        let runs = [before, now]
            .map(|cell| cell.rounds.iter().filter_map(|round| slowness(cell.measure, round)).collect());
        Series { arm: now.arm.clone(), figures: [before.figure.value, now.figure.value], runs }
    }

    /// The middle of each run.
    pub fn middles(&self) -> [f64; 2] {
        [0, 1]
            .map(|run| median(&mut self.runs[run].iter().map(|(_, slowness)| *slowness).collect::<Vec<_>>()))
    }

    /// How far it moved, the machine's drift included.
    pub fn raw_change(&self) -> f64 {
        let [before, now] = self.middles();
        now - before
    }
}

/// Logarithms make ratios to differences, and a half as far from one as a double.
fn slowness(measure: Measure, round: &Round) -> Option<(usize, f64)> {
    let figure = if measure == Measure::RoundTrip { round.figure } else { 1.0 / round.figure };
    (figure.is_finite() && figure > 0.0).then(|| (round.number, figure.ln()))
}

impl Group {
    pub fn yardsticks(&self) -> impl Iterator<Item = &Series> {
        self.yardsticks.iter().filter_map(|&place| self.series.get(place))
    }

    /// Whether the series at `place` is all that the others are judged by.
    pub fn is_only_yardstick(&self, place: usize) -> bool {
        self.yardsticks == [place] && self.series.len() > 1
    }

    /// Whether there is nothing to judge anything by.
    pub fn is_alone(&self) -> bool {
        self.series.len() == 1
    }
}

/// Whether two cells are of the same arm under the same terms.
pub(super) fn same(one: &Cell, other: &Cell) -> bool {
    one.arm == other.arm && Terms::of(one) == Terms::of(other)
}

/// All that both runs have, in groups, in the order of the second run.
pub(super) fn pair(before: &Comparison, now: &Comparison) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for cell in now.cells.iter().filter(|cell| usable(cell)) {
        let Some(old) = before.cells.iter().find(|old| same(old, cell) && usable(old)) else { continue };
        let (terms, series) = (Terms::of(cell), Series::of(old, cell));
        match groups.iter_mut().find(|group| group.terms == terms) {
            Some(group) => group.series.push(series),
            None => groups.push(Group { terms, series: vec![series], yardsticks: Vec::new() }),
        }
    }
    for group in &mut groups {
        group.yardsticks = choose(now, &group.series);
    }
    groups
}

fn usable(cell: &Cell) -> bool {
    cell.void.is_none() && cell.rounds.iter().any(|round| slowness(cell.measure, round).is_some())
}

/// So many of them have a middle that one of them cannot move.
const ENOUGH: usize = 3;

/// The bundled servers stand still while the user's change; where there are too few of them for one that does move to be
/// outvoted, the reference alone.
fn choose(now: &Comparison, series: &[Series]) -> Vec<usize> {
    let bundled = |name: &str| now.arms.iter().any(|arm| arm.name == name && arm.bundled);
    let places = |wanted: &dyn Fn(&Series) -> bool| -> Vec<usize> {
        series.iter().enumerate().filter(|(_, series)| wanted(series)).map(|(place, _)| place).collect()
    };
    let ours = places(&|series| bundled(&series.arm));
    let many = if ours.is_empty() { places(&|_| true) } else { ours };
    if many.len() >= ENOUGH {
        return many;
    }
    let reference = places(&|series| series.arm == now.method.reference);
    if reference.is_empty() { many } else { reference }
}
