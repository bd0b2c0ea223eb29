//! What is ranked nowhere, and why.

use crate::bench::comparison::{Cell, Comparison};
use crate::bench::report::document::{Document, Tone};
use crate::bench::report::ranking::valid;
use crate::bench::report::{labels, units};

/// What a server did wrong, and then what was not to be had.
pub(super) fn tell(comparison: &Comparison, document: &mut Document) {
    let void = comparison.cells.iter().filter(|cell| !valid(cell));
    let (faults, absent): (Vec<&Cell>, Vec<&Cell>) = void.partition(|cell| cell.fault);
    if !faults.is_empty() {
        document.title("Void", "the server did wrong: no figure of it is to be used");
        lines(&faults).into_iter().for_each(|line| document.item(Tone::Bad, line));
    }
    let mut none = lines(&absent);
    let lacking = comparison.arms.iter().filter_map(|arm| Some((arm, arm.unsupported.as_ref()?)));
    none.extend(lacking.map(|(arm, why)| format!("{}: {why}", arm.name)));
    if !none.is_empty() {
        document.title("Not to be had here", "");
        none.into_iter().for_each(|line| document.item(Tone::Quiet, line));
    }
}

/// One line for each mechanism and reason, however many cells it holds for.
fn lines(cells: &[&Cell]) -> Vec<String> {
    let mut groups: Vec<(&str, &str, Vec<&Cell>)> = Vec::new();
    for cell in cells {
        let (arm, why) = (cell.arm.as_str(), cell.void.as_deref().unwrap_or("nothing was measured"));
        match groups.iter_mut().find(|group| (group.0, group.1) == (arm, why)) {
            Some(group) => group.2.push(cell),
            None => groups.push((arm, why, vec![cell])),
        }
    }
    groups.iter().map(|(arm, why, cells)| format!("{arm} ({}): {why}", terms(cells))).collect()
}

fn terms(cells: &[&Cell]) -> String {
    let measures = each(cells, |cell| labels::measure(cell.measure).to_owned());
    let placements = each(cells, |cell| labels::placement(cell.placement).to_owned());
    let sizes = each(cells, |cell| units::size(cell.size));
    let rates = each(cells, |cell| cell.rate.map(units::rate).unwrap_or_default());
    let parts = [measures, placements, sizes, rates].into_iter().filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join("; ")
}

/// All different ones, in order.
fn each(cells: &[&Cell], read: fn(&Cell) -> String) -> String {
    let mut all: Vec<String> = Vec::new();
    for text in cells.iter().map(|cell| read(cell)).filter(|text| !text.is_empty()) {
        if !all.contains(&text) {
            all.push(text);
        }
    }
    all.join(", ")
}
