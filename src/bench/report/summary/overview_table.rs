//! A table of several rankings: candidates by size of message, or by rate.

use crate::bench::comparison::{Comparison, Measure, Placement};
use crate::bench::report::document::{Alignment, Field, Table, Tone};
use crate::bench::report::ranking::{RankedMeasurement, Ranking};
use crate::bench::report::units;

/// Maximum number of columns of the overview table, beside the names.
const MAX_COLUMNS: usize = 8;

/// Makes the overview table of a report, with a row for each candidate and a column for each ranking. The best of
/// each column is marked.
pub(super) fn table(
    comparison: &Comparison,
    rankings: &[&Ranking<'_>],
    head: fn(&Ranking<'_>) -> String,
) -> Table {
    let rankings = thin_out(rankings);
    let heads = rankings.iter().map(|ranking| (head(ranking), Alignment::Right));
    let mut table =
        Table::with_columns(std::iter::once(("mechanism".to_owned(), Alignment::Left)).chain(heads));
    let is_present = |name: &str| rankings.iter().any(|ranking| entry(ranking, name).is_some());
    for name in order(comparison, &rankings).into_iter().filter(|name| is_present(name)) {
        let fields = rankings.iter().map(|ranking| field(entry(ranking, name)));
        table.rows.push(std::iter::once(Field::plain(name)).chain(fields).collect());
    }
    table
}

/// Returns the candidates of an overview table in the order of the first ranking, followed by the candidates that the
/// ranking lacks.
fn order<'a>(comparison: &'a Comparison, rankings: &[&Ranking<'a>]) -> Vec<&'a str> {
    let entries = rankings.first().map(|ranking| &ranking.entries[..]).unwrap_or_default();
    let mut names: Vec<&str> = entries.iter().map(|entry| entry.candidate.name.as_str()).collect();
    for candidate in &comparison.candidates {
        if !names.contains(&candidate.name.as_str()) {
            names.push(&candidate.name);
        }
    }
    names
}

fn entry<'a, 'b>(ranking: &'b Ranking<'a>, name: &str) -> Option<&'b RankedMeasurement<'a>> {
    ranking.entries.iter().find(|entry| entry.candidate.name == name)
}

fn field(entry: Option<&RankedMeasurement<'_>>) -> Field {
    let Some(entry) = entry else { return Field::quiet("–") };
    let is_best = entry.rank == 1 && entry.measurement.placement != Placement::Cross;
    Field::Text(if is_best { Tone::Strong } else { Tone::Plain }, text(entry))
}

/// Returns the median of a measurement as text. For open loops it adds the 99th percentile, because slow messages
/// matter there.
fn text(entry: &RankedMeasurement<'_>) -> String {
    let measurement = entry.measurement;
    let median = units::format_value(measurement.estimate.value, measurement.measure);
    match measurement.percentiles {
        Some(all) if measurement.measure == Measure::RoundTrip && measurement.rate.is_some() => {
            format!("{median} / {}", units::format_time(all.p99 as f64))
        }
        _ => median,
    }
}

/// Selects the rankings that an overview table has room for: the first, the last, and evenly spaced ones between
/// them.
fn thin_out<'a, 'b>(rankings: &[&'b Ranking<'a>]) -> Vec<&'b Ranking<'a>> {
    let number = rankings.len().min(MAX_COLUMNS);
    (0..number).map(|index| rankings[index * (rankings.len() - 1) / (number - 1).max(1)]).collect()
}
