//! A table of one ranking with all columns.

use crate::bench::comparison::{Comparison, Floor, Measure, Measurement, MessageCost, Placement};
use crate::bench::report::document::{Alignment, Field, Table, Tone};
use crate::bench::report::ranking::{RankedMeasurement, Ranking};
use crate::bench::report::units;

/// Makes the table of one ranking in a report, without columns that would be empty.
pub(super) fn table(comparison: &Comparison, ranking: &Ranking<'_>) -> Table {
    let columns: Vec<Column> =
        COLUMNS.iter().filter(|column| has_content(column, comparison, ranking)).copied().collect();
    let heads = columns.iter().map(|column| ((column.head)(comparison, ranking), column.alignment));
    let mut table = Table::with_columns(heads);
    let max = ranking.entries.iter().map(|entry| entry.measurement.estimate.value).fold(0.0, f64::max);
    for entry in &ranking.entries {
        let row = Row { comparison, ranking, entry, max };
        table.rows.push(columns.iter().map(|column| (column.field)(&row)).collect());
    }
    table
}

/// A row of a ranking's table, and the values from which its fields are computed.
struct Row<'a> {
    comparison: &'a Comparison,
    ranking: &'a Ranking<'a>,
    entry: &'a RankedMeasurement<'a>,
    /// The maximum value of a ranking. It has the longest bar.
    max: f64,
}

#[derive(Clone, Copy)]
struct Column {
    head: fn(&Comparison, &Ranking<'_>) -> String,
    alignment: Alignment,
    field: fn(&Row<'_>) -> Field,
}

const COLUMNS: &[Column] = &[
    Column { head: |_, _| String::new(), alignment: Alignment::Right, field: rank },
    Column { head: |_, _| "mechanism".into(), alignment: Alignment::Left, field: name },
    Column { head: |_, ranking| value_head(ranking).into(), alignment: Alignment::Right, field: value },
    Column { head: |_, _| String::new(), alignment: Alignment::Bars, field: bar },
    Column { head: |_, _| "p99".into(), alignment: Alignment::Right, field: p99 },
    Column {
        head: |comparison, _| format!("× {}", comparison.method.reference),
        alignment: Alignment::Right,
        field: ratio,
    },
    Column { head: |_, _| "msg/s".into(), alignment: Alignment::Right, field: messages },
    Column { head: |_, _| "CPU/msg".into(), alignment: Alignment::Right, field: cpu },
    Column { head: |_, _| "switches".into(), alignment: Alignment::Right, field: switches },
    Column { head: |_, _| "calls".into(), alignment: Alignment::Right, field: calls },
    Column { head: |_, _| "× floor".into(), alignment: Alignment::Right, field: floor },
];

/// Returns whether a table's column has bars, or a field that is not empty.
fn has_content(column: &Column, comparison: &Comparison, ranking: &Ranking<'_>) -> bool {
    let is_filled = |entry| {
        let row = Row { comparison, ranking, entry, max: 1.0 };
        !matches!((column.field)(&row), Field::Text(_, text) if text.is_empty())
    };
    ranking.entries.iter().any(is_filled)
}

const fn value_head(ranking: &Ranking<'_>) -> &'static str {
    match ranking.parameters.measure {
        Measure::RoundTrip => "p50",
        Measure::Throughput => "echoed",
        Measure::Connections => "connections",
    }
}

/// Returns the rank of a measurement as text. With `--placement cross` ranks mean nothing, because all mechanisms
/// wait for the same interrupt.
fn rank(row: &Row<'_>) -> Field {
    let RankedMeasurement { rank, tied, .. } = row.entry;
    match (row.ranking.parameters.placement, tied) {
        (Placement::Cross, _) => Field::plain(""),
        (_, true) => Field::plain(format!("={rank}")),
        (_, false) => Field::plain(rank.to_string()),
    }
}

fn is_best(row: &Row<'_>) -> bool {
    row.entry.rank == 1 && row.ranking.parameters.placement != Placement::Cross
}

fn name(row: &Row<'_>) -> Field {
    Field::Text(if is_best(row) { Tone::Strong } else { Tone::Plain }, row.entry.candidate.name.clone())
}

fn value(row: &Row<'_>) -> Field {
    let text = units::format_estimate(&row.entry.measurement.estimate, row.entry.measurement.measure);
    Field::Text(if is_best(row) { Tone::Strong } else { Tone::Plain }, text)
}

fn bar(row: &Row<'_>) -> Field {
    let tone = if is_best(row) { Tone::Good } else { Tone::Quiet };
    Field::Bar(tone, row.entry.measurement.estimate.value / row.max)
}

fn p99(row: &Row<'_>) -> Field {
    // With several messages in flight, the time of a single one says nothing.
    let measurement = row.entry.measurement;
    let shown = measurement.percentiles.filter(|_| measurement.measure == Measure::RoundTrip);
    Field::plain(shown.map(|all| units::format_time(all.p99 as f64)).unwrap_or_default())
}

fn ratio(row: &Row<'_>) -> Field {
    let is_reference = row.entry.candidate.name == row.comparison.method.reference;
    match row.entry.measurement.ratio {
        _ if is_reference => Field::quiet("1"),
        Some(ratio) => Field::plain(units::format_ratio(&ratio)),
        None => Field::plain(""),
    }
}

fn messages(row: &Row<'_>) -> Field {
    let Measurement { measure, size, estimate, .. } = row.entry.measurement;
    let streams = *measure == Measure::Throughput && *size > 0;
    Field::plain(if streams {
        units::format_rate_without_unit(estimate.value / *size as f64)
    } else {
        String::new()
    })
}

fn cpu(row: &Row<'_>) -> Field {
    let used = row.entry.measurement.cost.processor_time();
    Field::plain(if used > 0.0 { units::format_time(used) } else { String::new() })
}

fn switches(row: &Row<'_>) -> Field {
    let MessageCost { voluntary_switches, involuntary_switches, .. } = row.entry.measurement.cost;
    let known = row.entry.measurement.cost != MessageCost::default();
    let text = units::format_number(voluntary_switches + involuntary_switches);
    Field::plain(if known { text } else { String::new() })
}

fn calls(row: &Row<'_>) -> Field {
    let MessageCost { client_calls, server_calls, .. } = row.entry.measurement.cost;
    let both = client_calls.zip(server_calls).map(|(client, server)| client + server);
    Field::plain(both.map(units::format_number).unwrap_or_default())
}

fn floor(row: &Row<'_>) -> Field {
    let multiple = multiple_of_floor(row.comparison, row.entry.measurement);
    Field::plain(multiple.map(units::format_number).unwrap_or_default())
}

/// Returns a measurement's estimate as a multiple of the machine's floor, or `None` if no floor applies.
///
/// A round trip on one core takes at least two context switches. One between two spinning cores takes at least a cache
/// line there and back. Bytes are not echoed faster than memory is copied.
fn multiple_of_floor(comparison: &Comparison, measurement: &Measurement) -> Option<f64> {
    let floor = applicable_floor(comparison, measurement)?.time.value;
    let multiple = match measurement.measure {
        Measure::RoundTrip => measurement.estimate.value / floor,
        Measure::Throughput => COPIED / floor * 1e9 / measurement.estimate.value,
        Measure::Connections => return None,
    };
    Some(multiple).filter(|multiple| multiple.is_finite())
}

/// The number of bytes that the floor `memcpy-64k` copies.
const COPIED: f64 = 65_536.0;

fn applicable_floor<'a>(comparison: &'a Comparison, measurement: &Measurement) -> Option<&'a Floor> {
    let name = match (measurement.measure, measurement.placement) {
        (Measure::RoundTrip, Placement::Same) => "switch",
        (Measure::RoundTrip, Placement::Spin) => "cache-line",
        (Measure::Throughput, _) => "memcpy-64k",
        _ => return None,
    };
    comparison.floors.iter().find(|floor| floor.name == name && floor.time.value > 0.0)
}
