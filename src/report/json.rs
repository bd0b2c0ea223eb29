//! One JSON object for a whole run.

use std::io::{self, Write};

use serde::Serialize;

use super::{Ending, Heading, Reporter};
use crate::outcome::{Level, Outcome};
use crate::runner::{CheckResult, Event, Summary};

/// Writes the JSON object of a run when the run is over.
pub struct Json<W> {
    heading: Heading,
    out: W,
}

#[derive(Serialize)]
struct Run<'a> {
    server: String,
    transport: &'a str,
    start: &'a str,
    protocol: &'a str,
    seed: u64,
    interrupted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    checks: Vec<Entry<'a>>,
    summary: Summary,
}

#[derive(Serialize)]
struct Entry<'a> {
    id: &'a str,
    outcome: Outcome,
    level: Level,
    expected: &'a str,
    actual: &'a str,
    reason: &'a str,
    millis: u128,
}

impl<W: Write> Json<W> {
    /// Creates a report that is written to `out`.
    pub fn new(heading: Heading, out: W) -> Json<W> {
        Json { heading, out }
    }
}

impl<W: Write> Reporter for Json<W> {
    fn event(&mut self, _event: &Event<'_>) -> io::Result<()> {
        Ok(())
    }

    fn finish(&mut self, reports: &[CheckResult], ending: &Ending) -> io::Result<()> {
        let run = Run {
            server: self.heading.spec.command_line(),
            transport: self.heading.spec.transport().name,
            start: self.heading.spec.start().name(),
            protocol: self.heading.spec.protocol().name(),
            seed: self.heading.seed,
            interrupted: *ending == Ending::Interrupted,
            error: if let Ending::NotLaunched(error) = ending { Some(error) } else { None },
            checks: reports.iter().map(entry).collect(),
            summary: Summary::of(reports),
        };
        serde_json::to_writer_pretty(&mut self.out, &run)?;
        writeln!(self.out)?;
        self.out.flush()
    }
}

fn entry(report: &CheckResult) -> Entry<'_> {
    Entry {
        id: report.check.id,
        outcome: report.outcome,
        level: report.check.level,
        expected: &report.expected,
        actual: &report.actual,
        reason: &report.reason,
        millis: report.took.as_millis(),
    }
}
