//! The reports of a comparison: tables for the terminal, Markdown, JSON, CSV, SVG charts, and what changed since a
//! saved one.
//!
//! `summary` makes the tables as a `document`, which is rendered for the terminal and as Markdown.

use std::io::{self, Write};

use crate::bench::change::Changes;
use crate::bench::comparison::Comparison;

mod changes;
mod charts;
mod csv;
mod document;
mod labels;
mod ranking;
#[cfg(test)]
mod sample;
mod summary;
#[cfg(test)]
mod tests;
mod units;

pub use charts::{Chart, ChartTexts, LineChart, Series, draw_charts, draw_line_charts};
pub use document::terminal::TableOptions;

use document::{markdown, terminal};

/// Writes the tables of a comparison for a terminal, with escape sequences for colours. `anstream` removes them where
/// `out` is none.
///
/// # Errors
/// The errors of writing to `out`.
pub fn write_table(comparison: &Comparison, options: TableOptions, out: &mut dyn Write) -> io::Result<()> {
    terminal::write_to_terminal(&summary::document(comparison, options.machine), options, out)
}

/// Writes the changes of a comparison since an earlier run, for a terminal as [`write_table`] does.
///
/// # Errors
/// The errors of writing to `out`.
pub fn write_differences(changes: &Changes, options: TableOptions, out: &mut dyn Write) -> io::Result<()> {
    terminal::write_to_terminal(&changes::document(changes), options, out)
}

/// Writes the tables of a comparison as Markdown, with all that is known of the machine.
///
/// # Errors
/// The errors of writing to `out`.
pub fn write_markdown(comparison: &Comparison, out: &mut dyn Write) -> io::Result<()> {
    markdown::write_markdown(&summary::document(comparison, true), out)
}

/// Writes a whole comparison as one JSON object, raw histograms included.
///
/// # Errors
/// The errors of writing to `out`.
pub fn write_json(comparison: &Comparison, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, comparison)?;
    writeln!(out)?;
    out.flush()
}

/// Writes a comparison as CSV: a header and one line for each measurement (RFC 4180). The names of the columns
/// include the units.
///
/// # Errors
/// The errors of writing to `out`.
pub fn write_csv(comparison: &Comparison, out: &mut dyn Write) -> io::Result<()> {
    csv::write_csv(comparison, out)
}
