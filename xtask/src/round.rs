//! One round: servers against every check that applies to them, and what came of it against the record.

use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use echospec::cli::interrupt;
use echospec::runner::Options;
use echospec::server::sweep;
use echospec::text::count;

use crate::matrix::{self, Row};
use crate::record::{Absent, Candidate};
use crate::root;

/// Which servers a task runs, and what it asks of them.
#[derive(Debug, clap::Args)]
pub struct Selection {
    /// Run only servers whose name contains this.
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,

    /// An absent third-party server is a failure, as it is in CI.
    #[arg(long)]
    require_peers: bool,
}

/// The servers of a round, and what they did.
pub struct Round {
    pub servers: Vec<Candidate>,
    pub rows: Vec<Row>,
    /// All wanted servers ran and did what is on record.
    pub as_recorded: bool,
}

/// Runs those of `servers` that are wanted, and prints what they did.
pub fn run(mut servers: Vec<Candidate>, mut absent: Vec<Absent>, selection: &Selection) -> Result<Round> {
    let wanted = |name: &str| selection.only.as_deref().is_none_or(|part| name.contains(part));
    servers.retain(|server| wanted(&server.name));
    absent.retain(|server| wanted(&server.name));
    ensure!(!servers.is_empty() || !absent.is_empty(), "no server's name contains the text given to --only");
    interrupt::watch()?;
    let began = Instant::now();
    let rows = run_each(&servers);
    sweep();
    println!("\n{}", matrix::table(&rows));
    let surprised = tell(&rows, &absent);
    let checks: usize = rows.iter().map(|row| row.reports.len()).sum();
    let seconds = began.elapsed().as_secs_f64();
    let once: usize = rows.iter().map(|row| row.seen_once.len()).sum();
    let once = if once == 0 { String::new() } else { format!(", {once} seen once and not again") };
    println!("\n{} servers, {checks} checks, {surprised} surprises{once} in {seconds:.1} s", rows.len());
    let as_recorded = is_complete(&absent, selection) && surprised == 0;
    Ok(Round { servers, rows, as_recorded })
}

/// Whether all wanted servers were run; prints the reason if not.
fn is_complete(absent: &[Absent], selection: &Selection) -> bool {
    if let Some(signal) = interrupt::received() {
        println!("interrupted by signal {signal}: the other servers were not run");
        return false;
    }
    if selection.require_peers && !absent.is_empty() {
        println!("{} absent, and --require-peers asks for all of them", count(absent.len(), "server"));
        return false;
    }
    true
}

/// Builds the programs of the workspace, with their output as cargo shows it.
pub fn build() -> Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status =
        Command::new(cargo).args(["build", "--quiet", "--workspace", "--bins"]).current_dir(root()).status();
    if !status.context("cannot run cargo")?.success() {
        bail!("the workspace does not build");
    }
    Ok(())
}

/// Runs the servers and says of each how it did.
fn run_each(servers: &[Candidate]) -> Vec<Row> {
    let width = servers.iter().map(|server| server.name.chars().count()).max().unwrap_or(0);
    matrix::run_all(servers, &Options::default(), |row| {
        let mark = if row.surprises.is_empty() { "ok" } else { "SURPRISE" };
        let (number, seconds) = (row.reports.len(), row.took.as_secs_f64());
        let record = match row.on_record.len() {
            0 => String::new(),
            known => format!(", {} on record", count(known, "deviation")),
        };
        println!("{:<width$}  {mark:>8}  {number} checks in {seconds:.1} s{record}", row.name);
    })
}

/// Prints what is on record, what is absent, and what nobody expected; answers the number of the latter.
fn tell(rows: &[Row], absent: &[Absent]) -> usize {
    section("Deviations on record", rows.iter().flat_map(|row| row.on_record.iter().cloned()));
    section(
        "Absent, not run",
        absent.iter().map(|server| format!("{}: {} is not installed", server.name, server.program)),
    );
    section(
        "Seen once and not again (cargo xtask soak --server NAME looks longer)",
        rows.iter().flat_map(|row| row.seen_once.iter().cloned()),
    );
    section("SURPRISES", rows.iter().flat_map(|row| row.surprises.iter().cloned()));
    rows.iter().map(|row| row.surprises.len()).sum()
}

fn section(title: &str, lines: impl Iterator<Item = String>) {
    let lines: Vec<_> = lines.collect();
    if !lines.is_empty() {
        println!("\n{title}:\n  {}", lines.join("\n  "));
    }
}
