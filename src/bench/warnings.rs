//! Reasons to doubt the results of a comparison, with their causes where they are known.

use super::comparison::{Comparison, Measure, Measurement, Placement, Warning};
use super::machine::suitability;
use super::plan::Plan;
use super::schedule::ScheduleResults;

/// The width of a confidence interval, as a share of its estimate, above which a warning is given.
const WIDE: f64 = 0.10;

/// The ratio of the 90th percentile to the minimum above which round trips count as of two kinds, fast and slow ones.
const BIMODAL: f64 = 3.0;

/// The share of the client's time spent computing above which the client counts as the bottleneck of a measurement.
const CLIENT_BUSY: f64 = 0.9;

/// Returns all warnings about the results of a comparison.
pub(super) fn find_warnings(comparison: &Comparison, log: &ScheduleResults, plan: &Plan) -> Vec<Warning> {
    let measurements: Vec<_> = comparison.measurements.iter().filter(|it| it.no_result.is_none()).collect();
    let all = [
        fewer_rounds(log, plan, comparison.interrupted),
        idle_processors(&measurements),
        no_spinning_server(plan),
        disturbed(log),
        wide_intervals(&measurements),
        bimodal(&measurements),
        client_bound(&measurements),
    ];
    let machine = suitability::warnings(&comparison.machine, plan);
    machine.into_iter().chain(all.into_iter().flatten()).collect()
}

fn warn(message: String, cause: impl Into<String>) -> Option<Warning> {
    Some(Warning { message, cause: cause.into(), help: String::new() })
}

/// Lists the first few of some measurements, and how many more there are.
fn names(measurements: &[&&Measurement]) -> String {
    const SHOWN: usize = 4;
    let name = |it: &&&Measurement| {
        format!("{} ({}, {}, {} B)", it.candidate, it.placement.name(), it.measure.name(), it.size)
    };
    let shown: Vec<_> = measurements.iter().take(SHOWN).map(name).collect();
    let more = measurements.len().saturating_sub(SHOWN);
    if more > 0 { format!("{} and {more} more", shown.join(", ")) } else { shown.join(", ") }
}

fn fewer_rounds(log: &ScheduleResults, plan: &Plan, interrupted: bool) -> Option<Warning> {
    if log.rounds >= plan.rounds {
        return None;
    }
    let cause =
        if interrupted { "the run was interrupted" } else { "the time was up; give more with --time" };
    warn(format!("only {} of {} rounds were completed", log.rounds, plan.rounds), cause)
}

fn idle_processors(measurements: &[&Measurement]) -> Option<Warning> {
    measurements.iter().find(|it| it.placement == Placement::Cross)?;
    warn(
        "with --placement cross, mechanisms that block cannot be ranked".into(),
        "nearly all of a round trip is the interrupt that wakes the other processor, the same for all",
    )
}

fn no_spinning_server(plan: &Plan) -> Option<Warning> {
    if !plan.placements.contains(&Placement::Spin) {
        return None;
    }
    let without: Vec<_> =
        plan.candidates.iter().filter(|it| it.spinning.is_none()).map(|it| it.name.as_str()).collect();
    if without.is_empty() {
        return None;
    }
    warn(
        format!("not measured with --placement spin: {}", without.join(", ")),
        "they have no server that never sleeps",
    )
}

fn disturbed(log: &ScheduleResults) -> Option<Warning> {
    let number = log.disturbances.len();
    if number == 0 {
        return None;
    }
    let message = format!("{number} of {} sessions were disturbed, also when repeated", log.sessions);
    warn(message, log.disturbances[number / 2].clone())
}

fn wide_intervals(measurements: &[&Measurement]) -> Option<Warning> {
    let is_wide = |it: &&&Measurement| it.estimate.high - it.estimate.low > WIDE * it.estimate.value;
    let wide: Vec<_> = measurements.iter().filter(is_wide).collect();
    if wide.is_empty() {
        return None;
    }
    warn(
        format!("intervals wider than {:.0} %: {}", WIDE * 100.0, names(&wide)),
        "the rounds differ; more --rounds, or a quieter machine, would narrow them",
    )
}

/// Returns a warning if the scheduler puts client and server sometimes on one processor, sometimes on two: round
/// trips differ by that.
fn bimodal(measurements: &[&Measurement]) -> Option<Warning> {
    let is_bimodal = |it: &&&Measurement| {
        let spread = it.percentiles.is_some_and(|all| all.p90 as f64 > BIMODAL * all.min.max(1) as f64);
        it.placement == Placement::Free && it.measure == Measure::RoundTrip && spread
    };
    let bimodal: Vec<_> = measurements.iter().filter(is_bimodal).collect();
    if bimodal.is_empty() {
        return None;
    }
    warn(
        format!("round trips of two kinds, so that the median says little: {}", names(&bimodal)),
        "the scheduler puts client and server sometimes on one processor, sometimes on two; --placement pins them",
    )
}

/// Returns a warning if the client of a measurement was always busy: then it may hide how fast the server is.
fn client_bound(measurements: &[&Measurement]) -> Option<Warning> {
    let is_bound = |it: &&&Measurement| {
        let (seconds, messages) = it
            .rounds
            .iter()
            .fold((0.0, 0.0), |(time, number), round| (time + round.seconds, number + round.messages as f64));
        let used = (it.cost.client_user + it.cost.client_system) * messages / 1e9;
        let on_two = !matches!(it.placement, Placement::Same | Placement::Spin);
        on_two && it.measure == Measure::Throughput && seconds > 0.0 && used / seconds > CLIENT_BUSY
    };
    let bound: Vec<_> = measurements.iter().filter(is_bound).collect();
    if bound.is_empty() {
        return None;
    }
    warn(format!("the client is the bottleneck: {}", names(&bound)), "its processor was busy all the time")
}
