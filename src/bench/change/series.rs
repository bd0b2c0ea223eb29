//! Pairs the rounds of two runs of a comparison, so that changes between the runs can be found.

use super::statistics::median;
use crate::bench::comparison::{Comparison, Measure, Measurement, Parameters, Round};

/// All candidates' times of two runs that were measured with the same parameters: measure, placement, size and rate.
#[derive(Debug)]
pub(super) struct Group {
    pub parameters: Parameters,
    pub series: Vec<Series>,
    /// The indices of the control series: those of servers assumed to be unchanged, which show the drift of the
    /// machine.
    controls: Vec<usize>,
}

/// The rounds of one candidate in two runs, each as the logarithm of the time per message.
#[derive(Debug)]
pub(super) struct Series {
    pub candidate: String,
    /// The estimates of one measurement in two runs.
    pub values: [f64; 2],
    /// The rounds of one measurement in two runs: their numbers and logarithmic times.
    pub runs: [Vec<(usize, f64)>; 2],
}

impl Series {
    fn of(before: &Measurement, now: &Measurement) -> Series {
        let runs = [before, now].map(|it| {
            it.rounds.iter().filter_map(|round| Some((round.number, log_time(it.measure, round)?))).collect()
        });
        let values = [before.estimate.value, now.estimate.value];
        Series { candidate: now.candidate.clone(), values, runs }
    }

    /// Returns the median logarithmic time of a candidate's rounds in each of two runs.
    pub fn medians(&self) -> [f64; 2] {
        [0, 1].map(|run| {
            let mut times: Vec<f64> = self.runs[run].iter().map(|(_, time)| *time).collect();
            median(&mut times)
        })
    }

    /// Returns the change of a candidate's logarithmic time from the first run to the second, including the machine's
    /// drift.
    pub fn raw_change(&self) -> f64 {
        let [before, now] = self.medians();
        now - before
    }
}

/// Returns the logarithm of a round's time per message. It turns ratios into differences, and treats half and double
/// alike.
fn log_time(measure: Measure, round: &Round) -> Option<f64> {
    let time = if measure == Measure::RoundTrip { round.value } else { 1.0 / round.value };
    (time.is_finite() && time > 0.0).then(|| time.ln())
}

impl Group {
    pub fn controls(&self) -> impl Iterator<Item = &Series> {
        self.controls.iter().filter_map(|&index| self.series.get(index))
    }

    /// Returns whether the series at `index` is the only control: the only series assumed unchanged between two runs,
    /// by which the others are judged.
    pub fn is_only_control(&self, index: usize) -> bool {
        self.controls == [index] && self.series.len() > 1
    }

    /// Returns whether a group has a single series of times, so that no other one can show the drift of the machine.
    pub fn has_no_other_series(&self) -> bool {
        self.series.len() == 1
    }
}

/// Returns whether two measurements have the same candidate and parameters.
pub(super) fn is_same_measurement(one: &Measurement, other: &Measurement) -> bool {
    one.candidate == other.candidate && one.parameters() == other.parameters()
}

/// Pairs the measurements that two runs have in common. Returns them in the order of the second run, grouped by
/// parameters.
pub(super) fn pair_series(before: &Comparison, now: &Comparison) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for new in now.measurements.iter().filter(|it| is_usable(it)) {
        let Some(old) =
            before.measurements.iter().find(|old| is_same_measurement(old, new) && is_usable(old))
        else {
            continue;
        };
        let (parameters, series) = (new.parameters(), Series::of(old, new));
        match groups.iter_mut().find(|group| group.parameters == parameters) {
            Some(group) => group.series.push(series),
            None => groups.push(Group { parameters, series: vec![series], controls: Vec::new() }),
        }
    }
    for group in &mut groups {
        group.controls = choose_controls(now, &group.series);
    }
    groups
}

fn is_usable(measurement: &Measurement) -> bool {
    let has_time = |round| log_time(measurement.measure, round).is_some();
    measurement.no_result.is_none() && measurement.rounds.iter().any(has_time)
}

/// Minimum number of control measurements, which are assumed unchanged between two runs. A single changed one then
/// does not move their median.
const MIN_CONTROLS: usize = 3;

/// Chooses the control series, which show the drift of the machine between two runs. Bundled servers serve, because
/// they do not change while the user's server does. With too few of them, chooses the reference alone.
fn choose_controls(now: &Comparison, series: &[Series]) -> Vec<usize> {
    let is_bundled = |name: &str| now.candidates.iter().any(|it| it.name == name && it.bundled);
    let indices = |wanted: &dyn Fn(&Series) -> bool| -> Vec<usize> {
        series.iter().enumerate().filter(|(_, series)| wanted(series)).map(|(index, _)| index).collect()
    };
    let bundled = indices(&|series| is_bundled(&series.candidate));
    let many = if bundled.is_empty() { indices(&|_| true) } else { bundled };
    if many.len() >= MIN_CONTROLS {
        return many;
    }
    let reference = indices(&|series| series.candidate == now.method.reference);
    if reference.is_empty() { many } else { reference }
}
