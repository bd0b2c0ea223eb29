//! System calls per message: where a server makes the same number for every message, one more is no noise.

use super::series;
use crate::bench::comparison::{Cell, Comparison, Measure, Placement};

/// A number of calls is steady if it is that close to a whole one, in both runs: a message may be counted in part.
const STEADY: f64 = 0.15;

/// A server that makes another number of system calls for each message than it did.
#[derive(Debug, Clone, PartialEq)]
pub struct Calls {
    /// The name of its arm.
    pub arm: String,
    /// Where the two ran.
    pub placement: Placement,
    /// The size of a message in bytes.
    pub size: usize,
    /// How many it made for a message there and back.
    pub before: u32,
    /// How many it makes.
    pub now: u32,
}

/// All that changed, in the order of the second run.
pub(super) fn between(before: &Comparison, now: &Comparison) -> Vec<Calls> {
    let asked = |cell: &&Cell| cell.measure == Measure::RoundTrip && cell.rate.is_none();
    let change = |cell: &Cell| {
        let old = before.cells.iter().find(|old| series::same(old, cell))?;
        let (before, now) = (steady(old)?, steady(cell)?);
        let (arm, placement, size) = (cell.arm.clone(), cell.placement, cell.size);
        (before != now).then_some(Calls { arm, placement, size, before, now })
    };
    now.cells.iter().filter(asked).filter_map(change).collect()
}

fn steady(cell: &Cell) -> Option<u32> {
    let calls = cell.cost.server_calls.filter(|_| cell.void.is_none())?;
    ((calls - calls.round()).abs() <= STEADY).then_some(calls.round() as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::change::tests::run_with_calls;

    #[test]
    fn one_more_system_call_is_told_and_a_number_that_is_never_the_same_is_not() {
        let runs = |before, now| between(&run_with_calls(before), &run_with_calls(now));
        assert!(runs(2.01, 2.0).is_empty());
        assert!(runs(2.4, 3.4).is_empty());
        let told = runs(2.01, 3.0);
        assert!(!told.is_empty());
        assert!(told.iter().all(|it| it.arm == "mine" && (it.before, it.now) == (2, 3)));
    }
}
