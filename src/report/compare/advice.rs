//! What to pick, where the figures say so.

use super::document::{Document, Tone};
use super::ranking::{Group, Place};
use super::story::{chief, families, subject};
use super::{units, words};
use crate::measures::change::FEWEST_ROUNDS;
use crate::measures::figures::Placement;

/// A sentence for each measure and placement that can rank. Where the winner was decided by an interrupt, or by where
/// the scheduler happened to put the processes, there is none.
pub(super) fn give(groups: &[Group<'_>], document: &mut Document) {
    let families = families(groups);
    let sentences: Vec<String> = families
        .iter()
        .filter_map(|family| chief(family))
        .filter(|group| can_rank(group))
        .map(sentence)
        .collect();
    if sentences.is_empty() {
        return;
    }
    document.title("In short", "");
    for sentence in sentences {
        document.item(Tone::Strong, sentence);
    }
}

fn can_rank(group: &Group<'_>) -> bool {
    let decided = !matches!(group.terms.placement, Placement::Cross | Placement::Free);
    decided && !group.terms.open && group.places.len() > 1
}

fn sentence(group: &Group<'_>) -> String {
    let leaders: Vec<&Place<'_>> = group.places.iter().filter(|place| place.rank == 1).collect();
    let names: Vec<&str> = leaders.iter().map(|place| place.arm.name.as_str()).collect();
    let best = leaders.first().map_or(f64::NAN, |place| place.cell.figure.value);
    let terms = format!("{}, {}", subject(group), words::whereabouts(group.terms.placement));
    let figure = units::figure(best, group.terms.measure);
    if group.places.iter().any(|place| place.cell.rounds.len() < FEWEST_ROUNDS) {
        return format!("{terms}: too few rounds to say what leads ({FEWEST_ROUNDS} of each are needed)");
    }
    match names.as_slice() {
        [one] => format!("{terms}: {one} leads with {figure}"),
        all if all.len() == group.places.len() => format!("{terms}: no difference that is more than noise"),
        all => format!("{terms}: {} lead with {figure}, a tie", all.join(", ")),
    }
}
