//! What placements and measures are called.

use super::units;
use crate::bench::change::FEWEST_ROUNDS;
use crate::bench::comparison::{Measure, Placement};

/// The name of a placement, as flags and JSON write it.
pub(super) const fn placement(placement: Placement) -> &'static str {
    match placement {
        Placement::Same => "same",
        Placement::Cross => "cross",
        Placement::CrossPolling => "cross-polling",
        Placement::Spin => "spin",
        Placement::Free => "free",
    }
}

/// Where the two processes run, as the end of a sentence.
pub(super) const fn whereabouts(placement: Placement) -> &'static str {
    match placement {
        Placement::Same => "both on one core",
        Placement::Cross => "on two cores that go to sleep when idle",
        Placement::CrossPolling => "on two cores that are kept from sleeping",
        Placement::Spin => "on two cores, neither side ever waiting in the kernel",
        Placement::Free => "wherever the scheduler puts them",
    }
}

/// What must be known before figures under this placement are believed.
pub(super) const fn caution(placement: Placement) -> Option<&'static str> {
    match placement {
        Placement::Same => None,
        Placement::Cross => Some(
            "Nearly all of this is the interrupt that wakes the other core: it cannot rank mechanisms that block. It \
             is what a mostly idle program sees.",
        ),
        Placement::CrossPolling => Some(
            "The kernel was told not to let the cores sleep: nobody pays for wake-ups, and both cores stay busy \
             whatever is measured.",
        ),
        Placement::Spin => Some(
            "Spinning keeps both cores busy for as long as either side waits, also when nothing is sent: compare \
             the CPU column, not only the time.",
        ),
        Placement::Free => {
            Some("The scheduler may move them at any time: a median can jump from one regime to the other.")
        }
    }
}

/// The name of a measure, as flags and JSON write it.
pub(super) const fn measure(measure: Measure) -> &'static str {
    match measure {
        Measure::RoundTrip => "round-trip",
        Measure::Throughput => "throughput",
        Measure::Connections => "connections",
    }
}

/// A mechanism's name where there is little room: of what the user called it, the beginning.
pub(super) fn name(text: &str) -> String {
    const ROOM: usize = 24;
    let text = crate::text::one_line(text);
    if text.chars().count() <= ROOM {
        return text;
    }
    text.chars().take(ROOM - 1).chain(['…']).collect()
}

/// What a group of figures is of: `Round trip of 64 B`.
pub(super) fn subject(measure: Measure, size: usize) -> String {
    let size = units::size(size);
    match measure {
        Measure::RoundTrip => format!("Round trip of {size}"),
        Measure::Throughput => format!("Throughput in messages of {size}"),
        Measure::Connections => format!("Connect, echo {size}, close"),
    }
}

/// `a, b and c`.
pub(super) fn list(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

/// Why figures can be neither ranked nor held against others.
pub(super) fn too_few_rounds() -> String {
    format!("too few rounds: noise is told by {FEWEST_ROUNDS} or more; --time and --rounds give them")
}
