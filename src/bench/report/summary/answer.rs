//! The answer, before the figures: who is first, and how far behind the next one is.

use crate::bench::change::FEWEST_ROUNDS;
use crate::bench::comparison::{Measure, Placement};
use crate::bench::report::document::{Document, Tone};
use crate::bench::report::ranking::{Group, Place};
use crate::bench::report::{labels, units};

/// A sentence for each group that is shown in full, unless there is nobody to be compared with.
pub(super) fn give(chiefs: &[&Group<'_>], document: &mut Document) {
    let told: Vec<&&Group<'_>> = chiefs.iter().filter(|group| group.places.len() > 1).collect();
    if told.is_empty() {
        return;
    }
    document.title("In short", "");
    for group in told {
        let terms = group.terms;
        let answer = answer(group);
        let tone = if answer.is_some() { Tone::Plain } else { Tone::Quiet };
        let answer = answer.unwrap_or_else(|| no_answer(group));
        let place = labels::placement(terms.placement);
        let what = labels::subject(terms.measure, terms.size);
        document.item(tone, format!("{what} ({place}): {answer}"));
    }
}

/// Who leads, where that can be said.
fn answer(group: &Group<'_>) -> Option<String> {
    let leaders: Vec<&Place<'_>> = group.places.iter().filter(|place| place.rank == 1).collect();
    if group.terms.placement == Placement::Cross || leaders.len() == group.places.len() {
        return None;
    }
    let best = leaders.first()?.cell.figure.value;
    let figure = units::figure(best, group.terms.measure);
    let tie = if leaders.len() > 1 { ", a tie" } else { "" };
    let names: Vec<&str> = leaders.iter().map(|place| place.arm.name.as_str()).collect();
    let next = group.places.iter().find(|place| place.rank > 1)?;
    let times = if group.terms.measure == Measure::RoundTrip {
        next.cell.figure.value / best
    } else {
        best / next.cell.figure.value
    };
    let behind = units::number(times);
    let word = match group.terms.measure {
        Measure::RoundTrip => format!("{behind} times as long"),
        Measure::Throughput | Measure::Connections => format!("{behind} times fewer"),
    };
    Some(format!("{}{tie}, {figure}; next {}, {word}", labels::list(&names), next.arm.name))
}

fn no_answer(group: &Group<'_>) -> String {
    if group.terms.placement == Placement::Cross {
        return "cannot rank mechanisms that block; nearly all of it is waking the other core".into();
    }
    if group.places.iter().any(|place| place.cell.rounds.len() < FEWEST_ROUNDS) {
        return format!("not to be said of fewer than {FEWEST_ROUNDS} rounds");
    }
    "no winner: all tie within noise".into()
}
