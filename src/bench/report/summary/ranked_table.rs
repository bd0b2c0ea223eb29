//! One group in full: who is first, by how much, and at what cost.

use crate::bench::comparison::{Cell, Comparison, Cost, Floor, Measure, Placement};
use crate::bench::report::document::{Field, Side, Table, Tone};
use crate::bench::report::ranking::{Group, Place};
use crate::bench::report::units;

/// The table of a group. A column in which nothing would stand is left out.
pub(super) fn table(comparison: &Comparison, group: &Group<'_>) -> Table {
    let columns: Vec<Shown> =
        COLUMNS.iter().filter(|column| applies(column, comparison, group)).copied().collect();
    let heads = columns.iter().map(|column| ((column.head)(comparison, group), column.side));
    let mut table = Table::of(heads);
    let best = group.places.iter().map(|place| place.cell.figure.value).fold(0.0, f64::max);
    for place in &group.places {
        let row = Row { comparison, group, place, longest: best };
        table.rows.push(columns.iter().map(|column| (column.field)(&row)).collect());
    }
    table
}

/// All that a field is made from.
struct Row<'a> {
    comparison: &'a Comparison,
    group: &'a Group<'a>,
    place: &'a Place<'a>,
    /// The largest figure of the group: a bar as long as can be.
    longest: f64,
}

#[derive(Clone, Copy)]
struct Shown {
    head: fn(&Comparison, &Group<'_>) -> String,
    side: Side,
    field: fn(&Row<'_>) -> Field,
}

const COLUMNS: &[Shown] = &[
    Shown { head: |_, _| String::new(), side: Side::Right, field: rank },
    Shown { head: |_, _| "mechanism".into(), side: Side::Left, field: name },
    Shown { head: |_, group| figure_head(group.terms.measure).into(), side: Side::Right, field: figure },
    Shown { head: |_, _| String::new(), side: Side::Bars, field: bar },
    Shown { head: |_, _| "p99".into(), side: Side::Right, field: p99 },
    Shown {
        head: |comparison, _| format!("× {}", comparison.method.reference),
        side: Side::Right,
        field: ratio,
    },
    Shown { head: |_, _| "msg/s".into(), side: Side::Right, field: messages },
    Shown { head: |_, _| "CPU/msg".into(), side: Side::Right, field: cpu },
    Shown { head: |_, _| "switches".into(), side: Side::Right, field: switches },
    Shown { head: |_, _| "calls".into(), side: Side::Right, field: calls },
    Shown { head: |_, _| "× floor".into(), side: Side::Right, field: floor },
];

/// Bars always stay; of the other columns, those that have an entry.
fn applies(column: &Shown, comparison: &Comparison, group: &Group<'_>) -> bool {
    let filled = |place| {
        let row = Row { comparison, group, place, longest: 1.0 };
        !matches!((column.field)(&row), Field::Text(_, text) if text.is_empty())
    };
    group.places.iter().any(filled)
}

const fn figure_head(measure: Measure) -> &'static str {
    match measure {
        Measure::RoundTrip => "p50",
        Measure::Throughput => "echoed",
        Measure::Connections => "connections",
    }
}

/// Where all pay for the same interrupt, first and second mean nothing.
fn rank(row: &Row<'_>) -> Field {
    let Place { rank, tied, .. } = row.place;
    match (row.group.terms.placement, tied) {
        (Placement::Cross, _) => Field::plain(""),
        (_, true) => Field::plain(format!("={rank}")),
        (_, false) => Field::plain(rank.to_string()),
    }
}

fn leads(row: &Row<'_>) -> bool {
    row.place.rank == 1 && row.group.terms.placement != Placement::Cross
}

fn name(row: &Row<'_>) -> Field {
    Field::Text(if leads(row) { Tone::Strong } else { Tone::Plain }, row.place.arm.name.clone())
}

fn figure(row: &Row<'_>) -> Field {
    let text = units::estimate(&row.place.cell.figure, row.place.cell.measure);
    Field::Text(if leads(row) { Tone::Strong } else { Tone::Plain }, text)
}

fn bar(row: &Row<'_>) -> Field {
    let tone = if leads(row) { Tone::Good } else { Tone::Quiet };
    Field::Bar(tone, row.place.cell.figure.value / row.longest)
}

fn p99(row: &Row<'_>) -> Field {
    // With a window of messages under way, the time of a single one says nothing.
    let told = row.place.cell.percentiles.filter(|_| row.place.cell.measure == Measure::RoundTrip);
    Field::plain(told.map(|all| units::time(all.p99 as f64)).unwrap_or_default())
}

fn ratio(row: &Row<'_>) -> Field {
    let itself = row.place.arm.name == row.comparison.method.reference;
    match row.place.cell.ratio {
        _ if itself => Field::quiet("1"),
        Some(ratio) => Field::plain(units::ratio(&ratio)),
        None => Field::plain(""),
    }
}

fn messages(row: &Row<'_>) -> Field {
    let cell = row.place.cell;
    let streams = cell.measure == Measure::Throughput && cell.size > 0;
    Field::plain(if streams {
        units::number_rate(cell.figure.value / cell.size as f64)
    } else {
        String::new()
    })
}

fn cpu(row: &Row<'_>) -> Field {
    let used = row.place.cell.cost.cpu();
    Field::plain(if used > 0.0 { units::time(used) } else { String::new() })
}

fn switches(row: &Row<'_>) -> Field {
    let Cost { voluntary_switches, involuntary_switches, .. } = row.place.cell.cost;
    let known = row.place.cell.cost != Cost::default();
    let text = units::number(voluntary_switches + involuntary_switches);
    Field::plain(if known { text } else { String::new() })
}

fn calls(row: &Row<'_>) -> Field {
    let Cost { client_calls, server_calls, .. } = row.place.cell.cost;
    let both = client_calls.zip(server_calls).map(|(client, server)| client + server);
    Field::plain(both.map(units::number).unwrap_or_default())
}

fn floor(row: &Row<'_>) -> Field {
    let multiple = multiple_of_floor(row.comparison, row.place.cell);
    Field::plain(multiple.map(units::number).unwrap_or_default())
}

/// The figure as a multiple of the least that any mechanism could cost there; absent where no floor bears on it.
///
/// A round trip on one core cannot be had without two context switches; one between two cores that both spin, without
/// the cache line that goes over and comes back; and bytes cannot be echoed faster than memory is copied.
fn multiple_of_floor(comparison: &Comparison, cell: &Cell) -> Option<f64> {
    let floor = lower_bound(comparison, cell)?.time.value;
    let multiple = match cell.measure {
        Measure::RoundTrip => cell.figure.value / floor,
        Measure::Throughput => COPIED / floor * 1e9 / cell.figure.value,
        Measure::Connections => return None,
    };
    Some(multiple).filter(|multiple| multiple.is_finite())
}

/// What the floor called `memcpy-64k` copies, in bytes.
const COPIED: f64 = 65_536.0;

fn lower_bound<'a>(comparison: &'a Comparison, cell: &Cell) -> Option<&'a Floor> {
    let name = match (cell.measure, cell.placement) {
        (Measure::RoundTrip, Placement::Same) => "switch",
        (Measure::RoundTrip, Placement::Spin) => "cache-line",
        (Measure::Throughput, _) => "memcpy-64k",
        _ => return None,
    };
    comparison.floors.iter().find(|floor| floor.name == name && floor.time.value > 0.0)
}
