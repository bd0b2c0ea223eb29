//! The report of what changed since a saved run.

use super::document::{Alignment, Document, Field, Table, Tone};
use super::{labels, units};
use crate::bench::change::{Change, Changes, SystemCallChange, Verdict};
use crate::text::count_with_noun;

/// Drifts of the machine between two runs that are smaller than this are not reported.
const MIN_DRIFT: f64 = 0.02;

/// Makes the report of the changes between two runs of a comparison: the judgement first, then its reasons.
pub(super) fn document(changes: &Changes) -> Document {
    let mut document = Document::default();
    document.add_title("Changes since the baseline", "");
    judgement(changes, &mut document);
    let significant: Vec<&Change> =
        changes.measurements.iter().filter(|change| is_significant(change)).collect();
    if !significant.is_empty() {
        document.add_table(table(&significant));
    }
    changes.calls.iter().for_each(|calls| document.add_item(tone(calls), system_calls(calls)));
    drifts(changes, &mut document);
    for setting in &changes.settings {
        let shown = |value: &str| if value.is_empty() { "–".to_owned() } else { value.to_owned() };
        let (before, now) = (shown(&setting.before), shown(&setting.now));
        document.add_item(Tone::Warning, format!("{} was {before}, is {now}", setting.name));
    }
    if !changes.unpaired.is_empty() {
        let names: Vec<&str> = changes.unpaired.iter().map(String::as_str).collect();
        document.add_item(
            Tone::Quiet,
            format!("with measurements in only one run: {}", labels::join_with_and(&names)),
        );
    }
    document
}

fn is_significant(change: &Change) -> bool {
    matches!(change.verdict, Verdict::Faster | Verdict::Slower)
}

fn judgement(changes: &Changes, document: &mut Document) {
    let number = |verdict| changes.measurements.iter().filter(|change| change.verdict == verdict).count();
    let [slower, faster, few] = [Verdict::Slower, Verdict::Faster, Verdict::TooFewRounds].map(number);
    let all = changes.measurements.len();
    let tone = match slower {
        _ if few == all => Tone::Warning,
        0 => Tone::Good,
        _ => Tone::Bad,
    };
    let text = if all == 0 {
        "The two runs have no measurement in common.".to_owned()
    } else {
        let rest = all - slower - faster - few;
        let percent = units::format_number(changes.threshold * 100.0);
        let unjudged = if few > 0 { format!(", {few} not judged") } else { String::new() };
        let all = count_with_noun(all, "measurement");
        format!("Of {all} {slower} slower, {faster} faster, {rest} within noise or {percent} %{unjudged}.")
    };
    document.add_line(tone, text);
    if few > 0 {
        document.add_line(Tone::Warning, labels::explain_too_few_rounds());
    }
}

fn table(changes: &[&Change]) -> Table {
    let mut table = Table::with_columns([
        ("", Alignment::Left),
        ("mechanism", Alignment::Left),
        ("measure", Alignment::Left),
        ("placement", Alignment::Left),
        ("before", Alignment::Right),
        ("now", Alignment::Right),
        ("time, without drift", Alignment::Right),
    ]);
    table.rows.extend(changes.iter().map(|change| row(change)));
    table
}

fn row(change: &Change) -> Vec<Field> {
    let tone = if change.verdict == Verdict::Slower { Tone::Bad } else { Tone::Good };
    let parameters = change.parameters;
    let rate = parameters.rate.map(|rate| format!(" at {}", units::format_rate(rate))).unwrap_or_default();
    let value = |value| Field::plain(units::format_value(value, parameters.measure));
    let (ratio, measure) = (change.time_ratio, parameters.measure.name());
    vec![
        Field::Text(tone, change.verdict.name().into()),
        Field::plain(&change.candidate),
        Field::plain(format!("{measure} {}{rate}", units::format_size(parameters.size))),
        Field::plain(parameters.placement.name()),
        value(change.before),
        value(change.now),
        Field::plain(format!("× {:.2} [{:.2}, {:.2}]", ratio.value, ratio.low, ratio.high)),
    ]
}

fn tone(calls: &SystemCallChange) -> Tone {
    if calls.now > calls.before { Tone::Bad } else { Tone::Good }
}

fn system_calls(calls: &SystemCallChange) -> String {
    let SystemCallChange { candidate, placement, size, before, now } = calls;
    let (place, size) = (placement.name(), units::format_size(*size));
    format!("{candidate} makes {now} system calls for a round trip of {size} ({place}), it made {before}")
}

fn drifts(changes: &Changes, document: &mut Document) {
    let drifts = changes.drifts.iter().filter(|drift| drift.time_ratio.ln().abs() > MIN_DRIFT);
    let texts: Vec<String> = drifts
        .map(|drift| format!("{} {} × {:.2}", drift.measure.name(), drift.placement.name(), drift.time_ratio))
        .collect();
    if !texts.is_empty() {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let text = format!("The drift of the machine has been removed: {}.", labels::join_with_and(&texts));
        document.add_line(Tone::Quiet, text);
    }
}
