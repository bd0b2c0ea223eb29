//! The whole comparison as one JSON object: raw histograms, schema version, machine and method.

use std::io::{self, Write};

use crate::bench::figures::Comparison;

/// Writes the object, indented, and ends the line.
pub(super) fn write(comparison: &Comparison, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, comparison)?;
    writeln!(out)?;
    out.flush()
}
