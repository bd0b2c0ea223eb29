//! One line for each cell, for spreadsheets and data frames (RFC 4180). Units are in the names.

use std::io::{self, Write};

use serde::Serialize;

use super::labels;
use crate::bench::comparison::{Cell, Comparison, Estimate, Measure};
use crate::text::printable;

/// A line. An absent value is an empty field.
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

/// Writes a header and the lines.
pub(super) fn write(comparison: &Comparison, out: &mut dyn Write) -> io::Result<()> {
    let mut lines = csv::Writer::from_writer(out);
    for cell in &comparison.cells {
        lines.serialize(line(comparison, cell)).map_err(io::Error::other)?;
    }
    lines.flush()
}

fn line<'a>(comparison: &'a Comparison, cell: &'a Cell) -> Line<'a> {
    let used = cell.void.is_none();
    let (figure, ratio) = (Some(cell.figure).filter(|_| used), cell.ratio.filter(|_| used));
    let (percentiles, cost) = (cell.percentiles, cell.cost);
    let arm = comparison.arms.iter().find(|arm| arm.name == cell.arm);
    let [low, high]: [fn(Estimate) -> f64; 2] = [|estimate| estimate.low, |estimate| estimate.high];
    Line {
        mechanism: safe(&cell.arm),
        transport: arm.map_or("", |arm| &arm.transport),
        placement: labels::placement(cell.placement),
        measure: labels::measure(cell.measure),
        size_bytes: cell.size,
        rate_per_second: cell.rate,
        figure: figure.map(|figure| figure.value),
        figure_low: figure.map(low),
        figure_high: figure.map(high),
        figure_unit: unit(cell.measure),
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
        rounds: cell.rounds.len(),
        messages: cell.rounds.iter().map(|round| round.messages).sum(),
        repeated_rounds: cell.rounds.iter().map(|round| round.repeated).sum(),
        void: safe(cell.void.as_deref().unwrap_or_default()),
    }
}

fn unit(measure: Measure) -> &'static str {
    match measure {
        Measure::RoundTrip => "ns",
        Measure::Throughput => "bytes/s",
        Measure::Connections => "connections/s",
    }
}

/// Text that a spreadsheet does not take for a formula: those begin with one of these characters.
fn safe(text: &str) -> String {
    let text = printable(text);
    if text.starts_with(['=', '+', '-', '@', '\t']) { format!("'{text}") } else { text }
}
