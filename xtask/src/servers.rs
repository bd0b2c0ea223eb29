//! Runs servers against every check that applies, and prints what the record does not expect.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use echospec::cli::interrupt;
use echospec::report::{Events, Reporter};
use echospec::runner::RunOptions;
use echospec::server::sweep;
use echospec::text::count_with_noun;

use crate::matrix::{self, Row};
use crate::record::{Absent, Candidate};
use crate::root;

/// The servers that a task runs.
#[derive(Debug, clap::Args)]
pub struct Selection {
    /// Run only the servers whose name contains TEXT
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,

    /// Leave out the servers before the first whose name contains TEXT
    #[arg(long, value_name = "TEXT")]
    from: Option<String>,

    /// Fail if a third-party server is not installed, as in CI
    #[arg(long)]
    require_peers: bool,

    /// Write what happened to FILE, one JSON object a line: `echospec report FILE --format html` shows it on one page
    #[arg(long, value_name = "FILE")]
    events: Option<PathBuf>,
}

/// Writes the events of finished servers to a file.
struct EventFile(Events<BufWriter<File>>);

impl EventFile {
    fn create(path: &Path) -> Result<EventFile> {
        let file = File::create(path).with_context(|| format!("cannot create {}", path.display()))?;
        Ok(EventFile(Events::new(BufWriter::new(file))))
    }

    /// Writes the events of one server together: in a stream, runs follow each other.
    fn add(&mut self, row: &Row) -> Result<()> {
        row.events.iter().try_for_each(|event| self.0.event(event)).context("cannot write the events")
    }
}

/// Runs the selected servers, prints the results, and calls `on_finished` after each server. Returns whether all
/// selected servers ran, with the results that the record expects.
pub fn run(
    mut servers: Vec<Candidate>,
    mut absent: Vec<Absent>,
    selection: &Selection,
    on_finished: impl Fn(&Candidate, &Row) -> Result<()> + Sync,
) -> Result<bool> {
    let selected = |name: &str| selection.only.as_deref().is_none_or(|part| name.contains(part));
    if let Some(part) = &selection.from {
        let first = servers.iter().position(|server| server.name.contains(part));
        servers.drain(..first.context("no server's name contains the text given to --from")?);
    }
    servers.retain(|server| selected(&server.name));
    absent.retain(|server| selected(&server.name));
    ensure!(!servers.is_empty() || !absent.is_empty(), "no server's name contains the text given to --only");
    let events = selection.events.as_deref().map(EventFile::create).transpose()?.map(Mutex::new);
    interrupt::watch_signals()?;
    let began = Instant::now();
    let failed = Mutex::new(Ok(()));
    let rows = run_each(&servers, |row| {
        let server = servers.iter().find(|server| server.name == row.name);
        let finished = server.map_or(Ok(()), |server| on_finished(server, row));
        let written = events.as_ref().map_or(Ok(()), |events| lock(events).add(row));
        if let Err(error) = finished.and(written) {
            *lock(&failed) = Err(error);
        }
    });
    sweep();
    println!("\n{}", matrix::table(&rows));
    let unexpected = print_details(&rows, &absent);
    let checks: usize = rows.iter().map(|row| row.results.len()).sum();
    let seconds = began.elapsed().as_secs_f64();
    let once: usize = rows.iter().map(|row| row.seen_once.len()).sum();
    let once = if once == 0 { String::new() } else { format!(", {once} seen once and not again") };
    let totals = format!("{} servers, {checks} checks, {unexpected} unexpected findings{once}", rows.len());
    println!("\n{totals} in {seconds:.1} s");
    failed.into_inner().unwrap_or_else(PoisonError::into_inner)?;
    Ok(is_complete(&absent, selection) && unexpected == 0)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns whether all selected servers were run, and prints the reason if not.
fn is_complete(absent: &[Absent], selection: &Selection) -> bool {
    if let Some(signal) = interrupt::received_signal() {
        println!("interrupted by signal {signal}: the other servers were not run");
        return false;
    }
    if selection.require_peers && !absent.is_empty() {
        println!("{} not installed, and --require-peers is given", count_with_noun(absent.len(), "server"));
        return false;
    }
    true
}

/// Builds the programs of the workspace.
pub fn build() -> Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status =
        Command::new(cargo).args(["build", "--quiet", "--workspace", "--bins"]).current_dir(root()).status();
    if !status.context("cannot run cargo")?.success() {
        bail!("the workspace does not build");
    }
    Ok(())
}

/// Runs the servers, and prints a line for each.
fn run_each(servers: &[Candidate], on_finished: impl Fn(&Row) + Sync) -> Vec<Row> {
    let width = servers.iter().map(|server| server.name.chars().count()).max().unwrap_or(0);
    matrix::run_all(servers, &RunOptions::default(), |row| {
        let mark = if row.unexpected.is_empty() { "ok" } else { "UNEXPECTED" };
        let (number, seconds) = (row.results.len(), row.took.as_secs_f64());
        let record = match row.on_record.len() {
            0 => String::new(),
            known => format!(", {} on record", count_with_noun(known, "deviation")),
        };
        println!("{:<width$}  {mark:>10}  {number} checks in {seconds:.1} s{record}", row.name);
        on_finished(row);
    })
}

/// Prints known deviations, missing servers and unexpected findings. Returns the number of the latter.
fn print_details(rows: &[Row], absent: &[Absent]) -> usize {
    print_section("Deviations on record", rows.iter().flat_map(|row| row.on_record.iter().cloned()));
    print_section(
        "Not installed, not run",
        absent.iter().map(|server| format!("{}: {} is not installed", server.name, server.program)),
    );
    print_section(
        "Seen once and not again (cargo xtask soak --server NAME runs one longer)",
        rows.iter().flat_map(|row| row.seen_once.iter().cloned()),
    );
    print_section("UNEXPECTED FINDINGS", rows.iter().flat_map(|row| row.unexpected.iter().cloned()));
    rows.iter().map(|row| row.unexpected.len()).sum()
}

fn print_section(title: &str, lines: impl Iterator<Item = String>) {
    let lines: Vec<_> = lines.collect();
    if !lines.is_empty() {
        println!("\n{title}:\n  {}", lines.join("\n  "));
    }
}
