//! One JSON object for a whole run.

use std::io::{self, Write};

use serde::Serialize;

use super::{Heading, Reporter, RunEnding};
use crate::outcome::{Level, Outcome};
use crate::runner::{CheckResult, Event, Summary};
use crate::server::{Rehearsal, Spec};

/// Writes the JSON object of a run when the run is over.
pub struct JsonReport<W> {
    heading: Heading,
    out: W,
}

#[derive(Serialize)]
struct Run<'a> {
    server: String,
    transport: &'a str,
    start: &'a str,
    protocol: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rehearsal: Option<&'a Rehearsal>,
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

impl<W: Write> JsonReport<W> {
    /// Creates a report that is written to `out`.
    pub fn new(heading: Heading, out: W) -> JsonReport<W> {
        JsonReport { heading, out }
    }
}

impl<W: Write> Reporter for JsonReport<W> {
    fn event(&mut self, event: &Event<'_>) -> io::Result<()> {
        if let Event::Started(spec, _) = event {
            self.heading.spec = Spec::clone(spec);
        }
        Ok(())
    }

    fn finish(&mut self, reports: &[CheckResult], ending: &RunEnding) -> io::Result<()> {
        let run = Run {
            server: self.heading.spec.command_line(),
            transport: self.heading.spec.transport().name,
            start: self.heading.spec.start().name(),
            protocol: self.heading.spec.protocol().name(),
            rehearsal: self.heading.spec.rehearsal(),
            seed: self.heading.seed,
            interrupted: *ending == RunEnding::Interrupted,
            error: if let RunEnding::NotLaunched(error) = ending { Some(error) } else { None },
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runner::RunOptions;
    use crate::server::Start;
    use crate::transport::Transport;

    /// The object of a run without checks, of a server that was rehearsed.
    const GOLDEN: &str = r#"{
  "server": "./server '{port}'",
  "transport": "tcp",
  "start": "bind",
  "protocol": "echo",
  "rehearsal": {
    "speaks_first": false,
    "keep_alive": false,
    "pipelining": null,
    "half_close": true,
    "other_sources": true,
    "differences": [
      "the protocol file declares `keep_alive = true`, but the server closes the connection after one reply"
    ]
  },
  "seed": 0,
  "interrupted": false,
  "checks": [],
  "summary": {
    "total": 0,
    "pass": 0,
    "fail": 0,
    "warn": 0,
    "info": 0,
    "skipped": 0,
    "broken": 0
  }
}
"#;

    #[test]
    fn object_holds_the_rehearsal() {
        let spec = Spec::new(Transport::TCP, Start::Bind, ["./server", "{port}"]).unwrap();
        let heading = Heading::new(&spec, &RunOptions::default());
        let rehearsed = spec.with_rehearsal(Rehearsal {
            speaks_first: Some(false),
            keep_alive: Some(false),
            half_close: Some(true),
            other_sources: Some(true),
            differences: vec![
                "the protocol file declares `keep_alive = true`, but the server closes the connection after one reply"
                    .into(),
            ],
            ..Rehearsal::default()
        });
        let mut json = JsonReport::new(heading, Vec::new());
        json.event(&Event::Started(&rehearsed, &[])).unwrap();
        json.finish(&[], &RunEnding::Complete).unwrap();
        assert_eq!(String::from_utf8(json.out).unwrap(), GOLDEN);
    }
}
