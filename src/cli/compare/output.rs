//! Where the results go.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use anyhow::Context;

use super::args::Args;
use crate::measures::figures::{Cell, Comparison, Measure};

/// Every place that was asked for, opened before anything is measured.
pub(super) struct Output {
    json: Option<Box<dyn Write>>,
    /// Standard output belongs to a program.
    piped: bool,
}

impl Output {
    pub fn prepare(args: &Args) -> anyhow::Result<Output> {
        let json = args.json.as_deref().map(open).transpose()?;
        Ok(Output { json, piped: args.json.as_deref().is_some_and(is_stdout) })
    }

    /// Writes everything; answers whether it is worse than what was saved.
    pub fn write(mut self, comparison: &Comparison) -> anyhow::Result<bool> {
        if let Some(json) = &mut self.json {
            serde_json::to_writer_pretty(&mut *json, comparison)?;
            writeln!(json)?;
            json.flush()?;
        }
        if self.piped {
            table(comparison, &mut anstream::stderr())
        } else {
            table(comparison, &mut anstream::stdout())
        }?;
        Ok(false)
    }
}

fn is_stdout(path: &Path) -> bool {
    path.as_os_str() == "-"
}

fn open(path: &Path) -> anyhow::Result<Box<dyn Write>> {
    if is_stdout(path) {
        return Ok(Box::new(io::stdout()));
    }
    let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(Box::new(BufWriter::new(file)))
}

fn table(comparison: &Comparison, out: &mut dyn Write) -> io::Result<()> {
    for cell in &comparison.cells {
        writeln!(out, "{}", line(cell))?;
    }
    for warning in &comparison.warnings {
        writeln!(out, "warning: {}: {}", warning.says, warning.cause)?;
    }
    Ok(())
}

fn line(cell: &Cell) -> String {
    let (divisor, unit) = match cell.measure {
        Measure::RoundTrip => (1e3, "µs"),
        Measure::Throughput => (1e6, "MB/s"),
        Measure::Connections => (1.0, "/s"),
    };
    let rate = cell.rate.map_or(String::new(), |rate| format!(" at {rate}/s"));
    let what = format!("{} {} {} B{rate}", cell.placement.name(), cell.measure.name(), cell.size);
    let figure = match &cell.void {
        Some(why) => why.clone(),
        None => {
            let [value, low, high] =
                [cell.figure.value, cell.figure.low, cell.figure.high].map(|it| it / divisor);
            let ratio = cell.ratio.map_or(String::new(), |ratio| format!("  × {:.2}", ratio.value));
            format!("{value:>9.2} {unit} [{low:.2}, {high:.2}]{ratio}  {:.0} ns CPU", cell.cost.cpu())
        }
    };
    format!("{:<16} {what:<34} {figure}", cell.arm)
}
