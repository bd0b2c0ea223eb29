//! Many groups at a glance: how the figure moves with the size of a message, or with how often one is sent.

use crate::bench::comparison::{Comparison, Measure, Placement};
use crate::bench::report::document::{Field, Side, Table, Tone};
use crate::bench::report::ranking::{Group, Place};
use crate::bench::report::units;

/// So many columns fit beside the names.
const COLUMNS: usize = 8;

/// Rows are mechanisms, columns groups; the best of each column is marked.
pub(super) fn table(comparison: &Comparison, groups: &[&Group<'_>], head: fn(&Group<'_>) -> String) -> Table {
    let groups = thinned(groups);
    let heads = groups.iter().map(|group| (head(group), Side::Right));
    let mut table = Table::of(std::iter::once(("mechanism".to_owned(), Side::Left)).chain(heads));
    let present = |name: &str| groups.iter().any(|group| place(group, name).is_some());
    for arm in order(comparison, &groups).into_iter().filter(|name| present(name)) {
        let figures = groups.iter().map(|group| field(place(group, arm)));
        table.rows.push(std::iter::once(Field::plain(arm)).chain(figures).collect());
    }
    table
}

/// The mechanisms as the first of the groups ranks them, then those that it lacks.
fn order<'a>(comparison: &'a Comparison, groups: &[&Group<'a>]) -> Vec<&'a str> {
    let ranked =
        groups.first().map(|group| group.places.iter().map(|place| place.arm.name.as_str()).collect());
    let mut names: Vec<&str> = ranked.unwrap_or_default();
    for arm in &comparison.arms {
        if !names.contains(&arm.name.as_str()) {
            names.push(&arm.name);
        }
    }
    names
}

fn place<'a, 'b>(group: &'b Group<'a>, name: &str) -> Option<&'b Place<'a>> {
    group.places.iter().find(|place| place.arm.name == name)
}

fn field(place: Option<&Place<'_>>) -> Field {
    let Some(place) = place else { return Field::quiet("–") };
    let leads = place.rank == 1 && place.cell.placement != Placement::Cross;
    Field::Text(if leads { Tone::Strong } else { Tone::Plain }, figure(place))
}

/// At low rates the slow ones are what one waits for: they are told beside the median.
fn figure(place: &Place<'_>) -> String {
    let cell = place.cell;
    let middle = units::figure(cell.figure.value, cell.measure);
    match cell.percentiles {
        Some(all) if cell.measure == Measure::RoundTrip && cell.rate.is_some() => {
            format!("{middle} / {}", units::time(all.p99 as f64))
        }
        _ => middle,
    }
}

/// Both ends, and evenly what lies between.
fn thinned<'a, 'b>(groups: &[&'b Group<'a>]) -> Vec<&'b Group<'a>> {
    let most = groups.len().min(COLUMNS);
    (0..most).map(|place| groups[place * (groups.len() - 1) / (most - 1).max(1)]).collect()
}
