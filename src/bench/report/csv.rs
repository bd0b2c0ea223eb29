//! CSV: one line for each measurement (RFC 4180). The names of the columns include the units.

use std::io::{self, Write};

use serde::Serialize;

use crate::bench::comparison::{Comparison, Estimate, Measure, Measurement};
use crate::text::printable;

/// A line of a comparison's CSV file, for one measurement. An unknown value is an empty field.
#[derive(Serialize)]
struct Line<'a> {
    mechanism: String,
    transport: &'a str,
    placement: &'static str,
    measure: &'static str,
    size_bytes: usize,
    rate_per_second: Option<f64>,
    figure: Option<f64>,
    figure_low: Option<f64>,
    figure_high: Option<f64>,
    figure_unit: &'static str,
    ratio: Option<f64>,
    ratio_low: Option<f64>,
    ratio_high: Option<f64>,
    reference: String,
    min_ns: Option<u64>,
    p50_ns: Option<u64>,
    p90_ns: Option<u64>,
    p99_ns: Option<u64>,
    p999_ns: Option<u64>,
    max_ns: Option<u64>,
    client_user_ns: f64,
    client_system_ns: f64,
    server_user_ns: f64,
    server_system_ns: f64,
    voluntary_switches: f64,
    involuntary_switches: f64,
    client_calls: Option<f64>,
    server_calls: Option<f64>,
    rounds: usize,
    messages: u64,
    repeated_rounds: u32,
    void: String,
}

/// Writes the measurements of a comparison as CSV: a header, and one line for each measurement.
pub(super) fn write_csv(comparison: &Comparison, out: &mut dyn Write) -> io::Result<()> {
    let mut lines = csv::Writer::from_writer(out);
    for measurement in &comparison.measurements {
        lines.serialize(line(comparison, measurement)).map_err(io::Error::other)?;
    }
    lines.flush()
}

fn line<'a>(comparison: &'a Comparison, measurement: &'a Measurement) -> Line<'a> {
    let is_usable = measurement.no_result.is_none();
    let estimate = Some(measurement.estimate).filter(|_| is_usable);
    let ratio = measurement.ratio.filter(|_| is_usable);
    let (percentiles, cost) = (measurement.percentiles, measurement.cost);
    let candidate = comparison.candidates.iter().find(|candidate| candidate.name == measurement.candidate);
    let [low, high]: [fn(Estimate) -> f64; 2] = [|estimate| estimate.low, |estimate| estimate.high];
    Line {
        mechanism: safe(&measurement.candidate),
        transport: candidate.map_or("", |candidate| &candidate.transport),
        placement: measurement.placement.name(),
        measure: measurement.measure.name(),
        size_bytes: measurement.size,
        rate_per_second: measurement.rate,
        figure: estimate.map(|estimate| estimate.value),
        figure_low: estimate.map(low),
        figure_high: estimate.map(high),
        figure_unit: unit(measurement.measure),
        ratio: ratio.map(|ratio| ratio.value),
        ratio_low: ratio.map(low),
        ratio_high: ratio.map(high),
        reference: safe(&comparison.method.reference),
        min_ns: percentiles.map(|all| all.min),
        p50_ns: percentiles.map(|all| all.p50),
        p90_ns: percentiles.map(|all| all.p90),
        p99_ns: percentiles.map(|all| all.p99),
        p999_ns: percentiles.map(|all| all.p999),
        max_ns: percentiles.map(|all| all.max),
        client_user_ns: cost.client_user,
        client_system_ns: cost.client_system,
        server_user_ns: cost.server_user,
        server_system_ns: cost.server_system,
        voluntary_switches: cost.voluntary_switches,
        involuntary_switches: cost.involuntary_switches,
        client_calls: cost.client_calls,
        server_calls: cost.server_calls,
        rounds: measurement.rounds.len(),
        messages: measurement.rounds.iter().map(|round| round.messages).sum(),
        repeated_rounds: measurement.rounds.iter().map(|round| round.repeated).sum(),
        void: safe(measurement.no_result.as_deref().unwrap_or_default()),
    }
}

fn unit(measure: Measure) -> &'static str {
    match measure {
        Measure::RoundTrip => "ns",
        Measure::Throughput => "bytes/s",
        Measure::Connections => "connections/s",
    }
}

/// Makes text safe for spreadsheets, which take text for a formula if it begins with a character such as `=`.
fn safe(text: &str) -> String {
    let text = printable(text);
    if text.starts_with(['=', '+', '-', '@', '\t']) { format!("'{text}") } else { text }
}
