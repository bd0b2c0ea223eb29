//! Texts that several reports share.

use super::units;
use crate::bench::change::MIN_ROUNDS;
use crate::bench::comparison::{Measure, Placement};

/// Returns a sentence on how to interpret results of a placement, if they are easily misunderstood.
pub(super) const fn placement_caution(placement: Placement) -> Option<&'static str> {
    match placement {
        Placement::Same => None,
        Placement::Cross => Some(
            "Nearly all of this time is the interrupt that wakes the other core, so mechanisms that block cannot be \
             ranked by it. A mostly idle program sees these times.",
        ),
        Placement::CrossPolling => Some(
            "The kernel keeps the cores out of their idle states: no message waits for a wake-up, and both cores are \
             always busy.",
        ),
        Placement::Spin => Some(
            "Both cores are busy even when nothing is sent, because both sides spin: compare the CPU column, not only \
             the time.",
        ),
        Placement::Free => Some(
            "The scheduler may move both processes at any time: a median can jump between the time on one core and \
             that on two.",
        ),
    }
}

/// Shortens a candidate's name for charts.
pub(super) fn short_name(text: &str) -> String {
    const MAX_LENGTH: usize = 24;
    let text = crate::text::one_line(text);
    if text.chars().count() <= MAX_LENGTH {
        return text;
    }
    text.chars().take(MAX_LENGTH - 1).chain(['…']).collect()
}

/// Returns the title of a comparison's table: `Round trip of 64 B`.
pub(super) fn table_title(measure: Measure, size: usize) -> String {
    let size = units::format_size(size);
    match measure {
        Measure::RoundTrip => format!("Round trip of {size}"),
        Measure::Throughput => format!("Throughput in messages of {size}"),
        Measure::Connections => format!("Connect, echo {size}, close"),
    }
}

/// Joins names into a list for a sentence: `a, b and c`.
pub(super) fn join_with_and(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

/// Explains why measurements with too few rounds cannot be ranked or compared.
pub(super) fn explain_too_few_rounds() -> String {
    format!("fewer than {MIN_ROUNDS} rounds: noise cannot be estimated; give more with --rounds and --time")
}
