//! Runs each server against every check that applies, and compares the results with the record.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};
use echospec::checks::{AREAS, all_checks};
use echospec::deadline::is_interrupted;
use echospec::outcome::Outcome;
use echospec::report::Heading;
use echospec::report::record::{Event, Recorder};
use echospec::runner::{self, CheckResult, RunOptions};
use echospec::server::LaunchError;

use crate::record::{Candidate, Deviation};

/// The results of one server.
#[derive(Debug, Default)]
pub struct Row {
    pub name: String,
    pub results: Vec<CheckResult>,
    /// Whether all checks that apply have run.
    pub complete: bool,
    pub took: Duration,
    /// Deviations that the record expects.
    pub on_record: Vec<String>,
    /// Deviations that the record does not expect, and passes where it expects one.
    pub unexpected: Vec<String>,
    /// Unexpected results that did not repeat.
    pub seen_once: Vec<String>,
    /// The events of the run, for a report.
    pub events: Vec<Event>,
}

/// The number of servers that run at the same time. Most checks spend most of their time waiting.
const WORKERS: usize = 3;

/// Runs the servers, and calls `on_finished` after each. Returns their rows in the order of `servers`. After an
/// interrupt no more servers are started, and their rows are missing.
pub fn run_all(servers: &[Candidate], options: &RunOptions, on_finished: impl Fn(&Row) + Sync) -> Vec<Row> {
    let next = AtomicUsize::new(0);
    let rows = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                while !is_interrupted() {
                    let place = next.fetch_add(1, Ordering::Relaxed);
                    let Some(server) = servers.get(place) else { break };
                    let row = run(server, options);
                    on_finished(&row);
                    rows.lock().unwrap_or_else(PoisonError::into_inner).push((place, row));
                }
            });
        }
    });
    let mut rows = rows.into_inner().unwrap_or_else(PoisonError::into_inner);
    rows.sort_by_key(|(place, _)| *place);
    rows.into_iter().map(|(_, row)| row).collect()
}

/// Runs `candidate`. If it does not start, that is an unexpected result.
fn run(candidate: &Candidate, options: &RunOptions) -> Row {
    let began = Instant::now();
    let options = &RunOptions { jobs: options.jobs.min(candidate.jobs), ..options.clone() };
    let apply: Vec<_> =
        all_checks().filter(|check| check.applies_to(candidate.spec.promised_capabilities())).collect();
    let spec = candidate.spec.clone().named(&candidate.name);
    let mut row = Row { name: candidate.name.clone(), ..Row::default() };
    let mut recorder = Recorder::new(Heading::new(&spec, options), &apply);
    let run = runner::run_checks(&spec, &apply, options, |event| row.events.push(recorder.event(event)));
    row.events.extend(recorder.finish(is_interrupted(), run.as_ref().err().map(ToString::to_string)));
    match run {
        Ok(results) => {
            results.iter().for_each(|result| row.add(candidate, result, options));
            row.complete = results.len() == apply.len() && !is_interrupted();
            row.results = results;
        }
        Err(LaunchError::Interrupted) => {}
        Err(error) => row.unexpected.push(format!("{}: does not start: {error}", row.name)),
    }
    row.took = began.elapsed();
    row
}

impl Row {
    /// Whether all checks have run with results that the record expects.
    pub fn is_whole(&self) -> bool {
        self.complete && self.unexpected.is_empty()
    }

    fn add(&mut self, candidate: &Candidate, result: &CheckResult, options: &RunOptions) {
        match candidate.judge(result) {
            Judgement::Expected => {}
            Judgement::OnRecord(line) => self.on_record.push(line),
            Judgement::Unexpected(line) if candidate.repeats(result, options) => {
                self.unexpected.push(line);
            }
            Judgement::Unexpected(line) => self.seen_once.push(line),
        }
    }
}

/// How a result compares with the record.
enum Judgement {
    Expected,
    OnRecord(String),
    Unexpected(String),
}

impl Candidate {
    /// Compares a result with the record. A deviation that is not on record is unexpected. So is a pass, if the
    /// record says that the deviation happens every time.
    fn judge(&self, result: &CheckResult) -> Judgement {
        let Candidate { name, deviations, .. } = self;
        let id = result.check.id;
        if !deviates(result.outcome) {
            let gone = deviations.iter().find(|entry| !entry.sometimes && entry.names(id));
            return gone.map_or(Judgement::Expected, |entry| {
                Judgement::Unexpected(format!(
                    "{name}: {id} passes, though the record says: {}",
                    entry.reason
                ))
            });
        }
        let line = format!("{name}: {} {id}", result.outcome);
        match deviations.iter().find(|entry| entry.covers(result)) {
            Some(entry) => Judgement::OnRecord(format!("{line}: {}", entry.reason)),
            None => Judgement::Unexpected(format!("{line}: {}", describe(result))),
        }
    }

    /// Runs the check again, up to `retries` times. Returns whether an unexpected result repeats; without
    /// retries, each counts.
    fn repeats(&self, result: &CheckResult, options: &RunOptions) -> bool {
        let is_unexpected_again = || {
            let again = runner::run_checks(&self.spec, &[result.check], options, |_| ()).ok()?.pop()?;
            Some(matches!(self.judge(&again), Judgement::Unexpected(_)))
        };
        self.retries == 0 || (0..self.retries).any(|_| is_unexpected_again().unwrap_or(true))
    }
}

impl Deviation {
    fn names(&self, id: &str) -> bool {
        self.check.iter().any(|known| known == id)
    }

    fn covers(&self, result: &CheckResult) -> bool {
        self.names(result.check.id) && self.outcomes.iter().any(|outcome| outcome == result.outcome.word())
    }
}

fn deviates(outcome: Outcome) -> bool {
    outcome.is_failure() || matches!(outcome, Outcome::Warn | Outcome::Broken | Outcome::Flaky)
}

fn describe(result: &CheckResult) -> String {
    let CheckResult { expected, actual, reason, .. } = result;
    let cause = if reason.is_empty() { String::new() } else { format!(" ({reason})") };
    let actual: Vec<_> = actual.lines().map(str::trim).take(3).collect();
    format!("expected {expected}; actual {}{cause}", actual.join(" "))
}

/// Returns a table with a row for each server, and for each area how many of the checks that apply have passed.
pub fn table(rows: &[Row]) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING);
    let areas = AREAS.iter().map(|area| area.name.to_owned());
    let head = ["server".to_owned()].into_iter().chain(areas).chain(["all".to_owned(), "time".to_owned()]);
    table.set_header(head);
    for row in rows {
        let areas = AREAS.iter().map(|area| ratio(row, |result| result.check.area() == area.name));
        let time = format!("{:.1} s", row.took.as_secs_f64());
        table.add_row([row.name.clone()].into_iter().chain(areas).chain([ratio(row, |_| true), time]));
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn ratio(row: &Row, belongs: impl Fn(&CheckResult) -> bool) -> String {
    let all: Vec<_> = row.results.iter().filter(|result| belongs(result)).collect();
    // A skipped check has not passed.
    let passes = |outcome| !deviates(outcome) && outcome != Outcome::Skipped;
    let passed = all.iter().filter(|result| passes(result.outcome)).count();
    if all.is_empty() { "–".into() } else { format!("{passed}/{}", all.len()) }
}
