//! What a comparison found: for a person, for programs, as pictures, and beside what was found before.

use std::io::{self, Write};

use crate::bench::change::Changes;
use crate::bench::figures::Comparison;

mod advice;
mod changes;
mod charts;
mod delimited;
mod document;
mod floors;
#[cfg(test)]
mod golden;
mod json;
mod machine;
mod markdown;
mod matrix;
mod omitted;
mod ranked;
mod ranking;
#[cfg(test)]
mod sample;
mod saved;
mod story;
mod terminal;
mod units;
mod words;

pub use charts::{Chart, charts};
pub use saved::{Saved, SavedError};
pub use terminal::Look;

/// Writes the tables for a person, with escape sequences for colours: give it a stream of `anstream`, which takes them
/// out where they do not belong.
///
/// # Errors
/// Those of writing.
pub fn table(comparison: &Comparison, look: Look, out: &mut dyn Write) -> io::Result<()> {
    terminal::write(&story::tell(comparison, look.machine), look, out)
}

/// Writes what is not as it was in an earlier run, likewise.
///
/// # Errors
/// Those of writing.
pub fn differences(changes: &Changes, look: Look, out: &mut dyn Write) -> io::Result<()> {
    terminal::write(&changes::tell(changes), look, out)
}

/// Writes the tables as Markdown, to paste in an issue, with all that is known of the machine.
///
/// # Errors
/// Those of writing.
pub fn markdown(comparison: &Comparison, out: &mut dyn Write) -> io::Result<()> {
    markdown::write(&story::tell(comparison, true), out)
}

/// Writes all of it as one JSON object, raw histograms included.
///
/// # Errors
/// Those of writing.
pub fn json(comparison: &Comparison, out: &mut dyn Write) -> io::Result<()> {
    json::write(comparison, out)
}

/// Writes a header and one line for each figure (RFC 4180), with the units in the names of the columns.
///
/// # Errors
/// Those of writing.
pub fn csv(comparison: &Comparison, out: &mut dyn Write) -> io::Result<()> {
    delimited::write(comparison, out)
}
