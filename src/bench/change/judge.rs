//! Removes the machine's drift, and judges whether the rest of each change is more than noise.

use std::collections::BTreeMap;

use super::series::{Group, Series};
use super::statistics::{critical_value, fixed_seed_generator, median, robust_deviation, standard_error};
use super::{Change, MIN_ROUNDS, Verdict};
use crate::bench::comparison::{Estimate, Measure, Parameters, Placement};

/// The standard error of a time between two runs of the same program, as a share of the time. More rounds do not
/// reduce it: memory pages, cache sets and other processes differ from run to run.
const BETWEEN_RUN_ERROR: f64 = 0.01;

/// The threshold for a change of a server's time between two runs where no control series shows the machine's drift.
/// A whole machine can drift as much between two runs.
const UNCONTROLLED_THRESHOLD: f64 = 0.30;

/// The minimum number of series of rounds from which the typical error of a change between two runs is estimated.
const MIN_FOR_SPREAD: usize = 8;

/// The change of one candidate's times between two runs, as a difference of logarithms.
struct Shift<'a> {
    group: &'a Group,
    index: usize,
    by: f64,
    error: f64,
}

/// Judges for every measurement whether its time changed between two runs.
pub(super) fn judge_changes(groups: &[Group], threshold: f64) -> Vec<Change> {
    let mut random = fixed_seed_generator();
    let mut shifts: Vec<Shift<'_>> = Vec::new();
    for group in groups {
        for (index, series) in group.series.iter().enumerate() {
            let runs = without_drift(group, series);
            let [before, now] = runs.clone().map(|mut run| median(&mut run));
            let errors = runs.map(|run| standard_error(&run, &mut random));
            let error = errors.iter().fold(BETWEEN_RUN_ERROR, |sum, error| sum.hypot(*error));
            shifts.push(Shift { group, index, by: now - before, error });
        }
    }
    let typical = typical_errors(&shifts);
    let judged = shifts.iter().filter(|shift| !shift.group.is_only_control(shift.index)).count();
    let critical = critical_value(judged);
    let margin = |shift: &Shift<'_>| critical * typical[&kind(shift.group.parameters)].max(shift.error);
    shifts.iter().map(|shift| change(shift, margin(shift), threshold)).collect()
}

/// Returns the logarithmic times of a measurement in both runs, without the drift that the control measurements show
/// in the same rounds.
fn without_drift(group: &Group, series: &Series) -> [Vec<f64>; 2] {
    let controls: Vec<(&Series, f64)> = group.controls().map(|control| (control, centre(control))).collect();
    [0, 1].map(|run| {
        let drift = |number: Option<usize>| drift(&controls, run, number);
        let of_run = drift(None).unwrap_or_default();
        let corrected = |&(number, time): &(usize, f64)| time - drift(Some(number)).unwrap_or(of_run);
        series.runs[run].iter().map(corrected).collect()
    })
}

/// Returns the mean of the medians of two runs. The drift of each run is measured from it.
fn centre(series: &Series) -> f64 {
    if series.runs.iter().any(Vec::is_empty) { 0.0 } else { series.medians().iter().sum::<f64>() / 2.0 }
}

/// Returns the median drift of the machine in one round, as control measurements show it, or in a whole run if
/// `number` is `None`.
fn drift(controls: &[(&Series, f64)], run: usize, number: Option<usize>) -> Option<f64> {
    let rounds = controls.iter().flat_map(|(series, centre)| {
        let wanted =
            series.runs[run].iter().filter(move |(own, _)| number.is_none_or(|number| number == *own));
        wanted.map(move |(_, time)| time - centre)
    });
    let mut rounds: Vec<f64> = rounds.collect();
    (!rounds.is_empty()).then(|| median(&mut rounds))
}

/// A kind of measurement: its measure, its placement, and whether it is an open loop. The typical error of a change
/// is estimated for each kind.
type Kind = (Measure, Placement, bool);

fn kind(parameters: Parameters) -> Kind {
    (parameters.measure, parameters.placement, parameters.rate.is_some())
}

/// Estimates the typical error of the changes between two runs for each kind of measurement. A few rounds of one
/// series may be alike by chance, so no series is taken to vary less than is typical.
fn typical_errors(shifts: &[Shift<'_>]) -> BTreeMap<Kind, f64> {
    let mut kinds: BTreeMap<Kind, (Vec<f64>, Vec<f64>)> = BTreeMap::new();
    for shift in shifts {
        let (errors, changes) = kinds.entry(kind(shift.group.parameters)).or_default();
        errors.push(shift.error);
        changes.push(shift.by);
    }
    let typical = |(mut errors, changes): (Vec<f64>, Vec<f64>)| {
        let observed = if changes.len() < MIN_FOR_SPREAD { 0.0 } else { robust_deviation(&changes) };
        median(&mut errors).max(observed)
    };
    kinds.into_iter().map(|(kind, series)| (kind, typical(series))).collect()
}

fn change(shift: &Shift<'_>, margin: f64, threshold: f64) -> Change {
    let series = &shift.group.series[shift.index];
    let threshold =
        if shift.group.has_no_other_series() { threshold.max(UNCONTROLLED_THRESHOLD) } else { threshold };
    let is_significant = shift.by.abs() > (1.0 + threshold).ln() && shift.by.abs() > margin;
    let few = series.runs.iter().any(|run| run.len() < MIN_ROUNDS);
    let verdict = match (shift.group.is_only_control(shift.index), is_significant) {
        (true, _) => Verdict::Control,
        _ if few => Verdict::TooFewRounds,
        (false, false) => Verdict::WithinNoise,
        (false, true) if shift.by > 0.0 => Verdict::Slower,
        (false, true) => Verdict::Faster,
    };
    let [low, value, high] = [shift.by - margin, shift.by, shift.by + margin].map(f64::exp);
    let [before, now] = series.values;
    Change {
        candidate: series.candidate.clone(),
        parameters: shift.group.parameters,
        before,
        now,
        time_ratio: Estimate { value, low, high },
        verdict,
    }
}
