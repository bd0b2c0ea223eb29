//! The answer before the tables: the best candidates of each headline, and how far behind the next one is.

use crate::bench::change::MIN_ROUNDS;
use crate::bench::comparison::{Measure, Placement};
use crate::bench::report::document::{Document, Tone};
use crate::bench::report::ranking::{RankedMeasurement, Ranking};
use crate::bench::report::{labels, units};

/// Writes a sentence for each of `headlines`, the main rankings, with more than one candidate: which one is best, and
/// by how much.
pub(super) fn write(headlines: &[&Ranking<'_>], document: &mut Document) {
    let shown: Vec<&&Ranking<'_>> = headlines.iter().filter(|ranking| ranking.entries.len() > 1).collect();
    if shown.is_empty() {
        return;
    }
    document.add_title("Summary", "");
    for ranking in shown {
        let parameters = ranking.parameters;
        let answer = answer(ranking);
        let tone = if answer.is_some() { Tone::Plain } else { Tone::Quiet };
        let answer = answer.unwrap_or_else(|| reason_for_no_answer(ranking));
        let title = labels::table_title(parameters.measure, parameters.size);
        document.add_item(tone, format!("{title} ({}): {answer}", parameters.placement.name()));
    }
}

/// Returns a sentence that names the best candidates of a ranking, if the ranking has a significant difference.
fn answer(ranking: &Ranking<'_>) -> Option<String> {
    let best: Vec<&RankedMeasurement<'_>> = ranking.entries.iter().filter(|entry| entry.rank == 1).collect();
    if ranking.parameters.placement == Placement::Cross || best.len() == ranking.entries.len() {
        return None;
    }
    let value = best.first()?.measurement.estimate.value;
    let shown = units::format_value(value, ranking.parameters.measure);
    let tie = if best.len() > 1 { ", a tie" } else { "" };
    let names: Vec<&str> = best.iter().map(|entry| entry.candidate.name.as_str()).collect();
    let next = ranking.entries.iter().find(|entry| entry.rank > 1)?;
    let factor = match ranking.parameters.measure {
        Measure::RoundTrip => next.measurement.estimate.value / value,
        Measure::Throughput | Measure::Connections => value / next.measurement.estimate.value,
    };
    let (factor, next) = (units::format_number(factor), &next.candidate.name);
    Some(format!(
        "{}{tie}, {shown}; next {next}, slower by a factor of {factor}",
        labels::join_with_and(&names)
    ))
}

fn reason_for_no_answer(ranking: &Ranking<'_>) -> String {
    if ranking.parameters.placement == Placement::Cross {
        return "mechanisms that block cannot be ranked; nearly all of the time is the wake-up of the other core"
            .into();
    }
    if ranking.entries.iter().any(|entry| entry.measurement.rounds.len() < MIN_ROUNDS) {
        return format!("no ranking with fewer than {MIN_ROUNDS} rounds");
    }
    "no winner: all tie within noise".into()
}
