//! The tables of a comparison, from the answer down to the method.

use super::document::{Alignment, Document, Field, Table, Tone};
use super::ranking::{Ranking, rank_measurements};
use super::{labels, units};
use crate::bench::comparison::{Comparison, Measure, Measurement, Parameters, Placement};
use crate::text::count_with_noun;

mod answer;
mod exclusions;
mod machine;
mod overview_table;
mod ranked_table;

/// Makes the report that summarizes a comparison. `with_machine` includes the description of the machine.
pub(super) fn document(comparison: &Comparison, with_machine: bool) -> Document {
    let mut document = Document::default();
    heading(comparison, &mut document);
    let rankings = rank_measurements(comparison);
    let sections = sections(&rankings);
    let closed = sections.iter().map(|section| section.headline).filter(|it| it.parameters.rate.is_none());
    answer::write(&closed.collect::<Vec<_>>(), &mut document);
    let mut explained = Vec::new();
    for section in &sections {
        section.write(comparison, &mut explained, &mut document);
    }
    exclusions::write(comparison, &mut document);
    floors(comparison, &mut document);
    if with_machine {
        machine::write(comparison, &mut document);
    }
    warnings(comparison, &mut document);
    method(comparison, &mut document);
    document
}

fn heading(comparison: &Comparison, document: &mut Document) {
    let machine = &comparison.machine;
    let model = machine.processor.as_ref().map(|model| format!(", {model}")).unwrap_or_default();
    let cores = match machine.pinned {
        Some((client, server)) if client != server => {
            format!("client on core {client}, server on core {server}")
        }
        Some((both, _)) => format!("client and server on core {both}"),
        None => "not pinned".into(),
    };
    let processors = count_with_noun(machine.processors, "processor");
    document.add_line(Tone::Quiet, format!("{}{model}, {processors}; {cores}", machine.system));
    if comparison.interrupted {
        document.add_line(Tone::Warning, "Interrupted: these are the results until then.");
    }
}

/// A section of a report: rankings that differ only in message size, or in rate for open loops.
struct Section<'a, 'b> {
    /// The ranking of a report's section that is shown with all columns.
    headline: &'b Ranking<'a>,
    rankings: Vec<&'b Ranking<'a>>,
}

fn sections<'a, 'b>(rankings: &'b [Ranking<'a>]) -> Vec<Section<'a, 'b>> {
    let belong_together = |one: &&Ranking<'_>, other: &&Ranking<'_>| {
        let (one, other) = (one.parameters, other.parameters);
        let key = |it: Parameters| (it.measure, it.rate.is_some(), it.placement);
        key(one) == key(other) && (one.rate.is_none() || one.size == other.size)
    };
    let all: Vec<&Ranking<'_>> = rankings.iter().collect();
    all.chunk_by(belong_together)
        .map(|rankings| Section { headline: headline(rankings), rankings: rankings.to_vec() })
        .collect()
}

/// Chooses the ranking of a report's section that is shown with all columns: for times that of small messages, for
/// throughput that of large ones.
fn headline<'a, 'b>(rankings: &[&'b Ranking<'a>]) -> &'b Ranking<'a> {
    let of_size = |size: usize| rankings.iter().find(|ranking| ranking.parameters.size == size);
    let (first, last) = (&rankings[0], &rankings[rankings.len() - 1]);
    match first.parameters.measure {
        Measure::Throughput => of_size(65_536).unwrap_or(last),
        Measure::RoundTrip | Measure::Connections => of_size(64).unwrap_or(first),
    }
}

impl Section<'_, '_> {
    /// Writes the tables of a report's section. `explained` holds the placements whose cautions have been shown
    /// already.
    fn write(&self, comparison: &Comparison, explained: &mut Vec<Placement>, document: &mut Document) {
        let parameters = self.headline.parameters;
        let (placement, measure) = (parameters.placement, parameters.measure);
        let label = placement.description();
        let note = format!("--placement {}", placement.name());
        if parameters.rate.is_some() {
            let title = format!(
                "Round trip of {} sent at a fixed rate, {label}",
                units::format_size(parameters.size)
            );
            document.add_title(title, format!("p50 / p99; {note}"));
            document.add_table(overview_table::table(comparison, &self.rankings, |ranking| {
                units::format_rate(ranking.parameters.rate.unwrap_or_default())
            }));
            return;
        }
        document.add_title(format!("{}, {label}", labels::table_title(measure, parameters.size)), note);
        document.add_table(ranked_table::table(comparison, self.headline));
        if !explained.contains(&placement) {
            explained.push(placement);
            cautions(self.headline, document);
        }
        if self.rankings.len() > 1 {
            document.add_title(format!("{} by size, {label}", noun(measure)), "");
            document.add_table(overview_table::table(comparison, &self.rankings, |ranking| {
                units::format_size(ranking.parameters.size)
            }));
        }
    }
}

const fn noun(measure: Measure) -> &'static str {
    match measure {
        Measure::RoundTrip => "Round trip",
        Measure::Throughput => "Throughput",
        Measure::Connections => "Connections",
    }
}

fn cautions(ranking: &Ranking<'_>, document: &mut Document) {
    let placement = ranking.parameters.placement;
    if let Some(caution) = labels::placement_caution(placement) {
        let is_warning = matches!(placement, Placement::Cross | Placement::Spin);
        document.add_line(if is_warning { Tone::Warning } else { Tone::Quiet }, caution);
    }
    if placement == Placement::Spin {
        let busy = ranking.entries.iter().filter_map(|entry| busy_cores(entry.measurement));
        let max = busy.fold(0.0, f64::max);
        if max > 0.0 {
            document.add_line(Tone::Warning, format!("Up to {max:.1} cores were busy all the time."));
        }
    }
}

/// Returns the mean number of cores that were busy during a measurement.
fn busy_cores(measurement: &Measurement) -> Option<f64> {
    let used: f64 =
        measurement.rounds.iter().map(|round| round.cost.processor_time() * round.messages as f64).sum();
    let seconds: f64 = measurement.rounds.iter().map(|round| round.seconds).sum();
    (seconds > 0.0).then(|| used / (seconds * 1e9))
}

fn floors(comparison: &Comparison, document: &mut Document) {
    if comparison.floors.is_empty() {
        return;
    }
    document.add_title("Floors", "times of the machine's own operations, measured in the same run");
    let mut table =
        Table::with_columns([("floor", Alignment::Left), ("time", Alignment::Right), ("", Alignment::Left)]);
    for floor in &comparison.floors {
        let time = units::format_estimate(&floor.time, Measure::RoundTrip);
        table.rows.push(vec![
            Field::plain(&floor.name),
            Field::plain(time),
            Field::quiet(&floor.description),
        ]);
    }
    document.add_table(table);
}

fn warnings(comparison: &Comparison, document: &mut Document) {
    if comparison.warnings.is_empty() {
        return;
    }
    document.add_title("Warnings", "");
    for warning in &comparison.warnings {
        let cause = if warning.cause.is_empty() { String::new() } else { format!(": {}", warning.cause) };
        let help = if warning.help.is_empty() { String::new() } else { format!("; help: {}", warning.help) };
        document.add_item(Tone::Warning, format!("{}{cause}{help}", warning.message));
    }
}

fn method(comparison: &Comparison, document: &mut Document) {
    let method = &comparison.method;
    document.add_title("Method", "in full: `echospec explain compare`");
    let repeated = match method.repeated {
        1 => "1 disturbed session was repeated".to_owned(),
        number => format!("{} were repeated", count_with_noun(number as usize, "disturbed session")),
    };
    document.add_line(
        Tone::Quiet,
        format!(
            "Medians of {} with 95 % confidence intervals. In each round, a new client and a new server are warmed up for \
             {} and measured for {}, in a random order of mechanisms (seed {}). Every echoed byte is verified. = marks a \
             tie: intervals that overlap. CPU time, context switches and system calls are the sum of both processes for \
             one message there and back. The cost of reading the clock, {}, is subtracted. {repeated}. The run took \
             {:.0} s.",
            count_with_noun(method.rounds, "round"),
            units::format_time(method.warm_up * 1e9),
            units::format_time(method.timed * 1e9),
            comparison.seed,
            units::format_time(method.clock),
            comparison.seconds,
        ),
    );
}
