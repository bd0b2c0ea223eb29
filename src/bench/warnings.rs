//! What a careful reader of the figures must know, each with its cause where that is known.

use super::comparison::{Cell, Comparison, Measure, Placement, Warning};
use super::plan::Wish;
use super::schedule::Log;
use crate::bench::machine::suitability;

/// An interval wider than this part of its figure ranks little.
const WIDE: f64 = 0.10;

/// How much slower one tenth of the messages must be than another tenth to come from another regime.
const TWO_REGIMES: f64 = 3.0;

/// A client that computes for this part of the time sets the pace itself.
const BUSY: f64 = 0.9;

/// Everything that makes these figures less certain, or less comparable.
pub(super) fn all(comparison: &Comparison, log: &Log, wish: &Wish) -> Vec<Warning> {
    let cells: Vec<_> = comparison.cells.iter().filter(|cell| cell.void.is_none()).collect();
    let all = [
        fewer_rounds(log, wish, comparison.interrupted),
        idle_processors(&cells),
        no_spinning(wish),
        disturbed(log),
        wide(&cells),
        bimodal(&cells),
        client_bound(&cells),
    ];
    suitability::warnings(&comparison.machine, wish).into_iter().chain(all.into_iter().flatten()).collect()
}

fn warn(says: String, cause: impl Into<String>) -> Option<Warning> {
    Some(Warning { says, cause: cause.into(), mend: String::new() })
}

/// `tcp and udp`, or the first few and how many more.
fn names(cells: &[&&Cell]) -> String {
    const SHOWN: usize = 4;
    let name = |cell: &&&Cell| {
        format!("{} ({}, {}, {} B)", cell.arm, cell.placement.name(), cell.measure.name(), cell.size)
    };
    let shown: Vec<_> = cells.iter().take(SHOWN).map(name).collect();
    let more = cells.len().saturating_sub(SHOWN);
    if more > 0 { format!("{} and {more} more", shown.join(", ")) } else { shown.join(", ") }
}

fn fewer_rounds(log: &Log, wish: &Wish, interrupted: bool) -> Option<Warning> {
    if log.rounds >= wish.rounds {
        return None;
    }
    let cause = if interrupted { "the run was interrupted" } else { "the time was up; --time gives it more" };
    warn(format!("{} of {} rounds were held to the end", log.rounds, wish.rounds), cause)
}

fn idle_processors(cells: &[&Cell]) -> Option<Warning> {
    cells.iter().find(|cell| cell.placement == Placement::Cross)?;
    let says = "across processors as they idle, mechanisms that block cannot be ranked".to_owned();
    warn(
        says,
        "nearly all of a round trip is the interrupt that wakes the other processor, which is the same for all",
    )
}

fn no_spinning(wish: &Wish) -> Option<Warning> {
    if !wish.placements.contains(&Placement::Spin) {
        return None;
    }
    let without: Vec<_> =
        wish.contenders.iter().filter(|it| it.spinning.is_none()).map(|it| it.name.as_str()).collect();
    if without.is_empty() {
        return None;
    }
    warn(format!("not measured spinning: {}", without.join(", ")), "they have no server that never sleeps")
}

fn disturbed(log: &Log) -> Option<Warning> {
    let number = log.disturbances.len();
    let says = format!("{number} of {} sessions were disturbed, however often repeated", log.sessions);
    if number == 0 { None } else { warn(says, log.disturbances[number / 2].clone()) }
}

fn wide(cells: &[&Cell]) -> Option<Warning> {
    let spread = |cell: &&&Cell| cell.figure.high - cell.figure.low > WIDE * cell.figure.value;
    let wide: Vec<_> = cells.iter().filter(spread).collect();
    if wide.is_empty() {
        return None;
    }
    let says = format!("wider than {:.0} % are the intervals of {}", WIDE * 100.0, names(&wide));
    warn(says, "the rounds differ; more --rounds, or a quieter machine, would narrow them")
}

/// The scheduler puts both sides sometimes on one processor, sometimes on two, and a round trip is of one kind or the
/// other.
fn bimodal(cells: &[&Cell]) -> Option<Warning> {
    let two = |cell: &&&Cell| {
        let spread = cell.percentiles.is_some_and(|it| it.p90 as f64 > TWO_REGIMES * it.min.max(1) as f64);
        cell.placement == Placement::Free && cell.measure == Measure::RoundTrip && spread
    };
    let torn: Vec<_> = cells.iter().filter(two).collect();
    if torn.is_empty() {
        return None;
    }
    let says = format!("of two kinds are the round trips of {}: a median of both says little", names(&torn));
    warn(says, "the scheduler puts both sides now on one processor, now on two; --placement pins them")
}

/// Where the client's own processor is full, a faster server would show nothing.
fn client_bound(cells: &[&Cell]) -> Option<Warning> {
    let bound = |cell: &&&Cell| {
        let (seconds, messages) = cell
            .rounds
            .iter()
            .fold((0.0, 0.0), |(time, number), round| (time + round.seconds, number + round.messages as f64));
        let used = (cell.cost.client_user + cell.cost.client_system) * messages / 1e9;
        let apart = !matches!(cell.placement, Placement::Same | Placement::Spin);
        apart && cell.measure == Measure::Throughput && seconds > 0.0 && used / seconds > BUSY
    };
    let full: Vec<_> = cells.iter().filter(bound).collect();
    if full.is_empty() {
        return None;
    }
    warn(format!("the client is the bottleneck of {}", names(&full)), "its own processor has no time left")
}
