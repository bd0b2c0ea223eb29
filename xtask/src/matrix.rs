//! Running one server against every check that applies, and holding the result against the record.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};
use echospec::checks::{AREAS, checks};
use echospec::deadline::interrupted;
use echospec::outcome::Outcome;
use echospec::runner::{self, CheckResult, Options};
use echospec::server::LaunchError;

use crate::record::{Candidate, Deviation};

/// What one server did.
#[derive(Debug, Default)]
pub struct Row {
    pub name: String,
    pub reports: Vec<CheckResult>,
    pub took: Duration,
    pub on_record: Vec<String>,
    pub surprises: Vec<String>,
    /// Surprises that did not come again at a second look.
    pub seen_once: Vec<String>,
}

/// Servers at a time: most checks wait for most of their time.
const WORKERS: usize = 3;

/// Checks of one server at a time, however many cores there are: each may hold 64 MiB and 200 sockets.
const JOBS: usize = 6;

/// Runs the servers, a few at a time, and calls `tell` with each as it ends; answers in the order of
/// `servers`. An interrupt leaves out those not yet begun.
pub fn run_all(servers: &[Candidate], options: &Options, tell: impl Fn(&Row) + Sync) -> Vec<Row> {
    let options = &Options { jobs: options.jobs.min(JOBS), ..options.clone() };
    let next = AtomicUsize::new(0);
    let rows = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                while !interrupted() {
                    let place = next.fetch_add(1, Ordering::Relaxed);
                    let Some(server) = servers.get(place) else { break };
                    let row = run(server, options);
                    tell(&row);
                    rows.lock().unwrap_or_else(PoisonError::into_inner).push((place, row));
                }
            });
        }
    });
    let mut rows = rows.into_inner().unwrap_or_else(PoisonError::into_inner);
    rows.sort_by_key(|(place, _)| *place);
    rows.into_iter().map(|(_, row)| row).collect()
}

/// Runs `candidate`. One that does not start is a surprise, and no reason to leave out the others.
fn run(candidate: &Candidate, options: &Options) -> Row {
    let began = Instant::now();
    let apply: Vec<_> = checks().filter(|check| check.applies_to(candidate.spec.promises())).collect();
    let result = runner::run(&candidate.spec, &apply, options, |_| ());
    let mut row = Row { name: candidate.name.clone(), ..Row::default() };
    match result {
        Ok(reports) => {
            reports.iter().for_each(|report| row.enter(candidate, report, options));
            row.reports = reports;
        }
        Err(LaunchError::Interrupted) => {}
        Err(error) => row.surprises.push(format!("{}: does not start: {error}", row.name)),
    }
    row.took = began.elapsed();
    row
}

impl Row {
    fn enter(&mut self, candidate: &Candidate, report: &CheckResult, options: &Options) {
        match candidate.judge(report) {
            Judgement::Expected => {}
            Judgement::OnRecord(line) => self.on_record.push(line),
            Judgement::Surprise(line) if candidate.surprises_again(report, options) => {
                self.surprises.push(line);
            }
            Judgement::Surprise(line) => self.seen_once.push(line),
        }
    }
}

/// What a report says, held against the record.
enum Judgement {
    Expected,
    OnRecord(String),
    Surprise(String),
}

impl Candidate {
    /// What is on record and happened is fine; what happened and is not on record is a surprise, and so is
    /// what is on record and did not happen.
    fn judge(&self, report: &CheckResult) -> Judgement {
        let Candidate { name, deviations, .. } = self;
        let id = report.check.id;
        if !deviates(report.outcome) {
            let gone = deviations.iter().find(|entry| !entry.sometimes && entry.names(id));
            return gone.map_or(Judgement::Expected, |entry| {
                Judgement::Surprise(format!("{name}: {id} passes, though the record says: {}", entry.reason))
            });
        }
        let line = format!("{name}: {} {id}", report.outcome);
        match deviations.iter().find(|entry| entry.covers(report)) {
            Some(entry) => Judgement::OnRecord(format!("{line}: {}", entry.reason)),
            None => Judgement::Surprise(format!("{line}: {}", tale(report))),
        }
    }

    /// Whether what `report` says is believed: of a server that is owed second looks, once one of them shows
    /// a surprise too.
    fn surprises_again(&self, report: &CheckResult, options: &Options) -> bool {
        let look = || {
            let again = runner::run(&self.spec, &[report.check], options, |_| ()).ok()?.pop()?;
            Some(matches!(self.judge(&again), Judgement::Surprise(_)))
        };
        self.second_looks == 0 || (0..self.second_looks).any(|_| look().unwrap_or(true))
    }
}

impl Deviation {
    fn names(&self, id: &str) -> bool {
        self.check.iter().any(|known| known == id)
    }

    fn covers(&self, report: &CheckResult) -> bool {
        self.names(report.check.id) && self.outcomes.iter().any(|outcome| outcome == report.outcome.word())
    }
}

fn deviates(outcome: Outcome) -> bool {
    outcome.is_failure() || matches!(outcome, Outcome::Warn | Outcome::Broken | Outcome::Flaky)
}

fn tale(report: &CheckResult) -> String {
    let CheckResult { expected, actual, reason, .. } = report;
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

fn ratio(row: &Row, belongs: impl Fn(&CheckResult) -> bool) -> String {
    let all: Vec<_> = row.reports.iter().filter(|report| belongs(report)).collect();
    // What could not be asked is no pass.
    let passes = |outcome| !deviates(outcome) && outcome != Outcome::Skipped;
    let passed = all.iter().filter(|report| passes(report.outcome)).count();
    if all.is_empty() { "–".into() } else { format!("{passed}/{}", all.len()) }
}
