//! Finds servers that make a different number of system calls for each message.

use super::SystemCallChange;
use super::series::is_same_measurement;
use crate::bench::comparison::{Comparison, Measure, Measurement};

/// The maximum distance from a whole number at which a server's number of system calls for each message counts as
/// steady. The first and last message may be counted in part.
const STEADY: f64 = 0.15;

/// Returns the changes between two runs in servers' numbers of system calls, in the order of the second run. Compares
/// only numbers that are steady in both runs.
pub(super) fn find_system_call_changes(before: &Comparison, now: &Comparison) -> Vec<SystemCallChange> {
    let is_wanted = |it: &&Measurement| it.measure == Measure::RoundTrip && it.rate.is_none();
    let change = |new: &Measurement| {
        let old = before.measurements.iter().find(|old| is_same_measurement(old, new))?;
        let (before, now) = (steady_calls(old)?, steady_calls(new)?);
        let (candidate, placement, size) = (new.candidate.clone(), new.placement, new.size);
        (before != now).then_some(SystemCallChange { candidate, placement, size, before, now })
    };
    now.measurements.iter().filter(is_wanted).filter_map(change).collect()
}

fn steady_calls(measurement: &Measurement) -> Option<u32> {
    let calls = measurement.cost.server_calls.filter(|_| measurement.no_result.is_none())?;
    ((calls - calls.round()).abs() <= STEADY).then_some(calls.round() as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::change::tests::run_with_calls;

    #[test]
    fn reports_one_more_call_if_both_numbers_are_steady() {
        let compare = |before, now| find_system_call_changes(&run_with_calls(before), &run_with_calls(now));
        assert!(compare(2.01, 2.0).is_empty());
        assert!(compare(2.4, 3.4).is_empty());
        let reported = compare(2.01, 3.0);
        assert!(!reported.is_empty());
        assert!(reported.iter().all(|it| it.candidate == "mine" && (it.before, it.now) == (2, 3)));
    }
}
