//! What is not as it was in the run before.

use super::document::{Document, Field, Side, Table, Tone};
use super::{labels, units};
use crate::bench::change::{Calls, Change, Changes, Verdict};
use crate::text::count;

/// The verdict first, then what it rests on.
pub(super) fn tell(changes: &Changes) -> Document {
    let mut document = Document::default();
    document.title("Against the baseline", "");
    verdict(changes, &mut document);
    let moved: Vec<&Change> = changes.cells.iter().filter(|change| has_moved(change)).collect();
    if !moved.is_empty() {
        document.table(table(&moved));
    }
    changes.calls.iter().for_each(|calls| document.item(tone(calls), told(calls)));
    drifts(changes, &mut document);
    for difference in &changes.differences {
        let shown = |value: &str| if value.is_empty() { "–".to_owned() } else { value.to_owned() };
        let (before, now) = (shown(&difference.before), shown(&difference.now));
        document.item(Tone::Doubtful, format!("{} was {before}, is {now}", difference.name));
    }
    if !changes.unpaired.is_empty() {
        let names: Vec<&str> = changes.unpaired.iter().map(String::as_str).collect();
        document.item(Tone::Quiet, format!("not in both runs, wholly or in part: {}", labels::list(&names)));
    }
    document
}

fn has_moved(change: &Change) -> bool {
    matches!(change.verdict, Verdict::Faster | Verdict::Slower)
}

fn verdict(changes: &Changes, document: &mut Document) {
    let number = |verdict| changes.cells.iter().filter(|change| change.verdict == verdict).count();
    let (slower, faster) = (number(Verdict::Slower), number(Verdict::Faster));
    let tone = match (slower, faster) {
        _ if number(Verdict::TooFewRounds) == changes.cells.len() => Tone::Doubtful,
        (0, _) => Tone::Good,
        _ => Tone::Bad,
    };
    let text = if changes.cells.is_empty() {
        "The two runs have no figure in common.".to_owned()
    } else {
        let all = count(changes.cells.len(), "figure");
        let few = number(Verdict::TooFewRounds);
        let rest = changes.cells.len() - slower - faster - few;
        let percent = units::number(changes.threshold * 100.0);
        let unjudged = if few > 0 { format!(", {few} not judged") } else { String::new() };
        format!("Of {all} {slower} slower, {faster} faster, {rest} within noise or {percent} %{unjudged}.")
    };
    document.line(tone, text);
    if number(Verdict::TooFewRounds) > 0 {
        document.line(Tone::Doubtful, labels::too_few_rounds());
    }
}

fn table(moved: &[&Change]) -> Table {
    let mut table = Table::of([
        ("", Side::Left),
        ("mechanism", Side::Left),
        ("what", Side::Left),
        ("placement", Side::Left),
        ("before", Side::Right),
        ("now", Side::Right),
        ("time, without drift", Side::Right),
    ]);
    table.rows.extend(moved.iter().map(|change| row(change)));
    table
}

fn row(change: &Change) -> Vec<Field> {
    let tone = if change.verdict == Verdict::Slower { Tone::Bad } else { Tone::Good };
    let rate = change.rate.map(|rate| format!(" at {}", units::rate(rate))).unwrap_or_default();
    let figure = |value| Field::plain(units::figure(value, change.measure));
    let (times, what) = (change.times, labels::measure(change.measure));
    vec![
        Field::Text(tone, change.verdict.word().into()),
        Field::plain(&change.arm),
        Field::plain(format!("{what} {}{rate}", units::size(change.size))),
        Field::plain(labels::placement(change.placement)),
        figure(change.before),
        figure(change.now),
        Field::plain(format!("× {:.2} [{:.2}, {:.2}]", times.value, times.low, times.high)),
    ]
}

fn tone(calls: &Calls) -> Tone {
    if calls.now > calls.before { Tone::Bad } else { Tone::Good }
}

fn told(calls: &Calls) -> String {
    let Calls { arm, placement, size, before, now } = calls;
    let (place, size) = (labels::placement(*placement), units::size(*size));
    format!("{arm} makes {now} system calls for a round trip of {size} ({place}), and made {before}")
}

/// A drift that is smaller than this is not worth a word.
const DRIFT: f64 = 0.02;

fn drifts(changes: &Changes, document: &mut Document) {
    let drifts = changes.drifts.iter().filter(|drift| drift.times.ln().abs() > DRIFT);
    let told: Vec<String> = drifts
        .map(|drift| {
            let what = labels::measure(drift.measure);
            format!("{what} {} × {:.2}", labels::placement(drift.placement), drift.times)
        })
        .collect();
    if !told.is_empty() {
        let told: Vec<&str> = told.iter().map(String::as_str).collect();
        let text = format!("The machine as a whole moved, which is taken out: {}.", labels::list(&told));
        document.line(Tone::Quiet, text);
    }
}
