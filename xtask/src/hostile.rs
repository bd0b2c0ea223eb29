//! `cargo xtask hostile`: the program against servers that try to harm it.

use std::fs;
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};
use echospec::deadline::until;
use echospec::sys;
use nix::unistd::Pid;
use serde_json::Value;

use crate::watched_run::{WatchedRun, count_listening};
use crate::{root, servers};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Run only the servers whose name contains TEXT
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,

    /// Run every check, instead of those of `--quick`
    #[arg(long)]
    all: bool,
}

/// The time limit of the harness for each server.
const TIME_LIMIT: Duration = Duration::from_secs(600);

/// A correct server, for comparison.
const CORRECT: &str = "(echo-tcp)";

struct Row {
    name: String,
    outcomes: String,
    took: Duration,
    peak: u64,
    left: usize,
}

pub fn run(args: &Args) -> Result<bool> {
    servers::build()?;
    sys::set_subreaper(true);
    let this_program = std::env::current_exe()?;
    let program = this_program.parent().context("this program has no folder")?.join("hostile");
    let chosen = |name: &String| args.only.as_deref().is_none_or(|part| name.contains(part));
    let names: Vec<_> = names(&program)?.into_iter().filter(chosen).collect();
    ensure!(!names.is_empty(), "no server's name contains the text given to --only");
    let mut rows = Vec::new();
    for name in [CORRECT.to_owned()].into_iter().chain(names) {
        let row = check(&name, &program, args.all)?;
        println!("{:<20} {:>6.1} s  {}", row.name, row.took.as_secs_f64(), row.outcomes);
        rows.push(row);
    }
    println!("\n{}", table(&rows));
    let left: usize = rows.iter().map(|row| row.left).sum();
    println!("\n{} servers, {left} leaks", rows.len());
    Ok(left == 0)
}

/// Returns the behaviours that the hostile program lists.
fn names(program: &Path) -> Result<Vec<String>> {
    let listed = Command::new(program).arg("--list").output().context("cannot run the hostile server")?;
    Ok(String::from_utf8(listed.stdout)?.lines().map(str::to_owned).collect())
}

fn check(name: &str, program: &Path, all: bool) -> Result<Row> {
    let report = root().join("target/hostile.json");
    let (report, program) = (report.to_string_lossy(), program.to_string_lossy());
    let server = if name == CORRECT { vec!["echo-tcp"] } else { vec![&*program, name] };
    let mut words = vec!["check", "tcp", "--json", &report];
    words.extend(if all { [].as_slice() } else { &["--quick"] });
    words.push("--");
    words.extend(server);
    words.push("{addr}");

    let run = WatchedRun::new("hostile")?;
    let began = Instant::now();
    let mut child = run.start(&words)?;
    let (peak, ports) = watch(&mut child, &run)?;
    let took = began.elapsed();
    let left = run.processes().len() + run.files().len() + count_listening(&ports) + run.new_objects();
    let outcomes = outcomes(&fs::read_to_string(&*report)?)?;
    fs::remove_file(&*report)?;
    run.clear()?;
    Ok(Row { name: name.to_owned(), outcomes, took, peak, left })
}

/// Waits until the program exits. Returns its peak memory, and the ports on which its servers listened.
fn watch(child: &mut Child, run: &WatchedRun) -> Result<(u64, Vec<std::net::SocketAddr>)> {
    let pid = Pid::from_raw(i32::try_from(child.id())?);
    let (mut peak, mut ports, mut polls) = (0, Vec::new(), 0_u32);
    let ended = until(TIME_LIMIT, || {
        peak = sys::peak_memory(pid).unwrap_or(0).max(peak);
        polls += 1;
        // Less often, because it inspects every process.
        if polls.is_multiple_of(50) {
            ports = run.listening_ports();
        }
        Ok(child.try_wait().ok().flatten())
    });
    if ended.map_err(|finding| anyhow!(finding.reason))?.is_none() {
        child.kill()?;
        child.wait()?;
        println!("no result after {TIME_LIMIT:?}");
    }
    Ok((peak, ports))
}

/// Returns the count of each outcome, such as `20 timeout, 3 pass`, or why the server was not launched.
fn outcomes(json: &str) -> Result<String> {
    let run: Value = serde_json::from_str(json).context("the program wrote no report")?;
    if let Some(error) = run["error"].as_str() {
        let reason: String = error.lines().next().unwrap_or_default().chars().take(60).collect();
        return Ok(format!("not launched: {reason}"));
    }
    let mut counts: Vec<(String, usize)> = Vec::new();
    for check in run["checks"].as_array().into_iter().flatten() {
        let outcome = check["outcome"].as_str().unwrap_or_default();
        match counts.iter_mut().find(|(known, _)| known == outcome) {
            Some((_, number)) => *number += 1,
            None => counts.push((outcome.to_owned(), 1)),
        }
    }
    counts.sort_by_key(|(_, number)| std::cmp::Reverse(*number));
    Ok(counts.iter().map(|(outcome, number)| format!("{number} {outcome}")).collect::<Vec<_>>().join(", "))
}

fn table(rows: &[Row]) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING);
    table.set_header(["server", "outcomes", "time", "peak memory of the harness", "leaks"]);
    for Row { name, outcomes, took, peak, left } in rows {
        let peak =
            if *peak == 0 { "–".into() } else { format!("{:.1} MiB", *peak as f64 / 1024.0 / 1024.0) };
        let took = format!("{:.1} s", took.as_secs_f64());
        table.add_row([name.clone(), outcomes.clone(), took, peak, left.to_string()]);
    }
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}
