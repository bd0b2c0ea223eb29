//! Running one server against every check that applies, and holding the result against the record.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};
use echospec::checks::{AREAS, checks};
use echospec::patience::interrupted;
use echospec::runner::{self, Options, Report};
use echospec::verdict::Outcome;

use crate::peers::{Candidate, Deviation};

/// What one server did.
#[derive(Debug, Clone)]
pub struct Row {
    pub name: String,
    pub reports: Vec<Report>,
    pub took: Duration,
    pub on_record: Vec<String>,
    pub surprises: Vec<String>,
}

/// Runs the servers, a few at a time because most checks wait for most of their time, and calls `tell` with
/// each as it ends; answers in the order of `servers`. An interrupt leaves out those not yet begun.
pub fn run_all(servers: &[Candidate], options: &Options, tell: impl Fn(&Row) + Sync) -> Result<Vec<Row>> {
    let workers = thread::available_parallelism().map_or(2, usize::from) + 1;
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        while !interrupted() {
            let place = next.fetch_add(1, Ordering::Relaxed);
            let Some(server) = servers.get(place) else { break };
            let row = run(server, options)?;
            tell(&row);
            done.push((place, row));
        }
        Ok(done)
    };
    let results: Vec<Result<Vec<_>>> = thread::scope(|scope| {
        let handles: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        handles
            .into_iter()
            .map(|handle| handle.join().unwrap_or_else(|_| bail!("a worker panicked")))
            .collect()
    });
    let mut rows = results.into_iter().collect::<Result<Vec<_>>>()?.concat();
    rows.sort_by_key(|(place, _)| *place);
    Ok(rows.into_iter().map(|(_, row)| row).collect())
}

/// Runs `candidate`.
fn run(candidate: &Candidate, options: &Options) -> Result<Row> {
    let began = Instant::now();
    let apply: Vec<_> = checks().filter(|check| check.applies_to(candidate.spec.offers())).collect();
    let reports = runner::run(&candidate.spec, &apply, options, |_| ())
        .with_context(|| format!("{}: {}", candidate.name, candidate.spec.command_line()))?;
    let mut row = Row {
        name: candidate.name.clone(),
        took: began.elapsed(),
        on_record: Vec::new(),
        surprises: Vec::new(),
        reports,
    };
    row.judge(&candidate.deviations);
    Ok(row)
}

impl Row {
    /// What is on record and happened is fine; what happened and is not on record is a surprise, and so is
    /// what is on record and no longer happens.
    fn judge(&mut self, record: &[Deviation]) {
        for report in self.reports.iter().filter(|report| deviates(report.outcome)) {
            let known = record.iter().find(|entry| entry.covers(report));
            let line = format!("{}: {} {}", self.name, report.outcome, report.check.id);
            match known {
                Some(entry) => self.on_record.push(format!("{line}: {}", entry.reason)),
                None => self.surprises.push(format!("{line}: {}", tale(report))),
            }
        }
        for entry in record.iter().filter(|entry| !entry.sometimes) {
            let ran = self.reports.iter().find(|report| report.check.id == entry.check);
            if ran.is_some_and(|report| !deviates(report.outcome)) {
                let gone = format!(
                    "{}: {} passes, though the record says: {}",
                    self.name, entry.check, entry.reason
                );
                self.surprises.push(gone);
            }
        }
    }
}

impl Deviation {
    fn covers(&self, report: &Report) -> bool {
        self.check == report.check.id && self.outcomes.iter().any(|outcome| outcome == report.outcome.word())
    }
}

fn deviates(outcome: Outcome) -> bool {
    outcome.condemns() || matches!(outcome, Outcome::Warn | Outcome::Broken | Outcome::Flaky)
}

fn tale(report: &Report) -> String {
    let Report { expected, actual, reason, .. } = report;
    let cause = if reason.is_empty() { String::new() } else { format!(" ({reason})") };
    let actual: Vec<_> = actual.lines().map(str::trim).take(3).collect();
    format!("expected {expected}; actual {}{cause}", actual.join(" "))
}

/// Servers down, areas across: passed of all that apply.
pub fn table(rows: &[Row]) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING);
    let areas = AREAS.iter().map(|area| area.name.to_owned());
    let head = ["server".to_owned()].into_iter().chain(areas).chain(["all".to_owned(), "time".to_owned()]);
    table.set_header(head);
    for row in rows {
        let areas = AREAS.iter().map(|area| ratio(row, |report| report.check.area() == area.name));
        let time = format!("{:.1} s", row.took.as_secs_f64());
        table.add_row([row.name.clone()].into_iter().chain(areas).chain([ratio(row, |_| true), time]));
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn ratio(row: &Row, belongs: impl Fn(&Report) -> bool) -> String {
    let all: Vec<_> = row.reports.iter().filter(|report| belongs(report)).collect();
    let passed = all.iter().filter(|report| !deviates(report.outcome)).count();
    if all.is_empty() { "–".into() } else { format!("{passed}/{}", all.len()) }
}
