//! Measurements without a result, and the reasons.

use crate::bench::comparison::{Comparison, Measurement};
use crate::bench::report::document::{Document, Tone};
use crate::bench::report::ranking::has_usable_estimate;
use crate::bench::report::units;

/// Lists the measurements without a result in a report: first the failures of servers, then the mechanisms that this
/// machine lacks.
pub(super) fn write(comparison: &Comparison, document: &mut Document) {
    let invalid = comparison.measurements.iter().filter(|it| !has_usable_estimate(it));
    let (faults, unavailable): (Vec<&Measurement>, Vec<&Measurement>) =
        invalid.partition(|it| it.server_fault);
    if !faults.is_empty() {
        document.add_title("No result", "the server failed: these measurements must not be used");
        lines(&faults).into_iter().for_each(|line| document.add_item(Tone::Bad, line));
    }
    let mut lines = lines(&unavailable);
    let unsupported =
        comparison.candidates.iter().filter_map(|it| Some((&it.name, it.unsupported.as_ref()?)));
    lines.extend(unsupported.map(|(name, reason)| format!("{name}: {reason}")));
    if !lines.is_empty() {
        document.add_title("Not available here", "");
        lines.into_iter().for_each(|line| document.add_item(Tone::Quiet, line));
    }
}

/// Returns one line for each candidate without a result and each reason for it.
fn lines(measurements: &[&Measurement]) -> Vec<String> {
    let mut groups: Vec<(&str, &str, Vec<&Measurement>)> = Vec::new();
    for measurement in measurements {
        let candidate = measurement.candidate.as_str();
        let reason = measurement.no_result.as_deref().unwrap_or("nothing was measured");
        match groups.iter_mut().find(|group| (group.0, group.1) == (candidate, reason)) {
            Some(group) => group.2.push(measurement),
            None => groups.push((candidate, reason, vec![measurement])),
        }
    }
    groups.iter().map(|(name, reason, all)| format!("{name} ({}): {reason}", parameters(all))).collect()
}

/// Lists the parameters of `measurements`: `round-trip, throughput; same; 64 KiB`.
fn parameters(measurements: &[&Measurement]) -> String {
    let measures = join_distinct(measurements, |it| it.measure.name().to_owned());
    let placements = join_distinct(measurements, |it| it.placement.name().to_owned());
    let sizes = join_distinct(measurements, |it| units::format_size(it.size));
    let rates = join_distinct(measurements, |it| it.rate.map(units::format_rate).unwrap_or_default());
    let parts = [measures, placements, sizes, rates].into_iter().filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join("; ")
}

/// Lists the distinct values of `text` for `measurements`, in their order.
fn join_distinct(measurements: &[&Measurement], text: fn(&Measurement) -> String) -> String {
    let mut all: Vec<String> = Vec::new();
    for text in measurements.iter().map(|it| text(it)).filter(|text| !text.is_empty()) {
        if !all.contains(&text) {
            all.push(text);
        }
    }
    all.join(", ")
}
