//! One JSON object for a whole run; an array of objects for several.

use std::io::{self, Write};

use serde::Serialize;

use super::Format;
use super::record::{CheckFinished, RunEnding, RunRecord};
use crate::outcome::{Level, Outcome};
use crate::runner::{Repeated, Summary};
use crate::server::Rehearsal;

pub const FORMAT: Format =
    Format { name: "json", summary: "one JSON object, as `check --json` writes it", render };

fn render(runs: &[RunRecord], out: &mut dyn Write) -> io::Result<()> {
    match runs {
        [run] => serde_json::to_writer_pretty(&mut *out, &Run::of(run))?,
        runs => serde_json::to_writer_pretty(&mut *out, &runs.iter().map(Run::of).collect::<Vec<_>>())?,
    }
    writeln!(out)
}

#[derive(Serialize)]
struct Run<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    server: &'a str,
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
    millis: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    repeated: Option<Repeated>,
}

impl<'a> Run<'a> {
    fn of(run: &'a RunRecord) -> Run<'a> {
        let server = &run.started.server;
        Run {
            name: server.name.as_deref(),
            server: &server.command,
            transport: &server.transport,
            start: &server.start,
            protocol: &server.protocol,
            rehearsal: server.rehearsal.as_ref(),
            seed: run.started.seed,
            interrupted: run.finished.as_ref().is_none_or(|it| it.ending == RunEnding::Interrupted),
            error: run.launch_error(),
            checks: run.checks.iter().map(Entry::of).collect(),
            summary: run.summary(),
        }
    }
}

impl<'a> Entry<'a> {
    fn of(check: &'a CheckFinished) -> Entry<'a> {
        Entry {
            id: &check.check,
            outcome: check.outcome,
            level: check.level,
            expected: &check.expected,
            actual: &check.actual,
            reason: &check.reason,
            millis: check.took_millis as u64,
            repeated: check.repeated,
        }
    }
}
