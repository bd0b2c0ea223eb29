//! `cargo xtask hostile`: the program against servers that mean harm to whoever launches them.

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

use crate::trail::{Trail, still_listening};
use crate::{root, round};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Run only servers whose name contains this.
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,

    /// Run every check of the catalogue, and not only the few of a quick run.
    #[arg(long)]
    all: bool,
}

/// No server may take longer, however it behaves.
const LONGEST: Duration = Duration::from_secs(600);

/// A well-behaved server, for comparison.
const COMPARISON: &str = "(echo-tcp)";

struct Row {
    name: String,
    verdict: String,
    took: Duration,
    peak: u64,
    left: usize,
}

pub fn run(args: &Args) -> Result<bool> {
    round::build()?;
    sys::set_subreaper(true);
    let here = std::env::current_exe()?;
    let program = here.parent().context("this program has no folder")?.join("hostile");
    let wanted = |name: &String| args.only.as_deref().is_none_or(|part| name.contains(part));
    let names: Vec<_> = names(&program)?.into_iter().filter(wanted).collect();
    ensure!(!names.is_empty(), "no server's name contains the text given to --only");
    let mut rows = Vec::new();
    for name in [COMPARISON.to_owned()].into_iter().chain(names) {
        let row = judge(&name, &program, args.all)?;
        println!("{:<20} {:>6.1} s  {}", row.name, row.took.as_secs_f64(), row.verdict);
        rows.push(row);
    }
    println!("\n{}", table(&rows));
    let left: usize = rows.iter().map(|row| row.left).sum();
    println!("\n{} servers, {left} things left behind", rows.len());
    Ok(left == 0)
}

/// The behaviours that the program says it knows.
fn names(program: &Path) -> Result<Vec<String>> {
    let listed = Command::new(program).arg("--list").output().context("cannot run the hostile server")?;
    Ok(String::from_utf8(listed.stdout)?.lines().map(str::to_owned).collect())
}

fn judge(name: &str, program: &Path, all: bool) -> Result<Row> {
    let report = root().join("target/hostile.json");
    let (report, program) = (report.to_string_lossy(), program.to_string_lossy());
    let server = if name == COMPARISON { vec!["echo-tcp"] } else { vec![&*program, name] };
    let mut words = vec!["check", "tcp", "--json", &report];
    words.extend(if all { [].as_slice() } else { &["--quick"] });
    words.push("--");
    words.extend(server);
    words.push("{addr}");

    let trail = Trail::new("hostile")?;
    let began = Instant::now();
    let mut child = trail.start(&words)?;
    let (peak, ports) = watch(&mut child, &trail)?;
    let took = began.elapsed();
    let left = trail.processes().len() + trail.files().len() + still_listening(&ports) + trail.objects();
    let verdict = verdict(&fs::read_to_string(&*report)?)?;
    fs::remove_file(&*report)?;
    trail.clear()?;
    Ok(Row { name: name.to_owned(), verdict, took, peak, left })
}

/// Waits for the end of the program; the most memory that it had, and the ports that its servers listened on.
fn watch(child: &mut Child, trail: &Trail) -> Result<(u64, Vec<std::net::SocketAddr>)> {
    let pid = Pid::from_raw(i32::try_from(child.id())?);
    let (mut peak, mut ports, mut looks) = (0, Vec::new(), 0_u32);
    let ended = until(LONGEST, || {
        peak = sys::peak_memory(pid).unwrap_or(0).max(peak);
        looks += 1;
        // Who listens is asked less often: it takes a look at every process.
        if looks.is_multiple_of(50) {
            ports = trail.listeners();
        }
        Ok(child.try_wait().ok().flatten())
    });
    if ended.map_err(|finding| anyhow!(finding.reason))?.is_none() {
        child.kill()?;
        child.wait()?;
        println!("no verdict after {LONGEST:?}");
    }
    Ok((peak, ports))
}

/// `20 timeout, 3 pass`, or why there was nothing to judge.
fn verdict(json: &str) -> Result<String> {
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
    table.set_header(["server", "verdict", "time to verdict", "peak memory of the harness", "left"]);
    for Row { name, verdict, took, peak, left } in rows {
        let peak =
            if *peak == 0 { "–".into() } else { format!("{:.1} MiB", *peak as f64 / 1024.0 / 1024.0) };
        let took = format!("{:.1} s", took.as_secs_f64());
        table.add_row([name.clone(), verdict.clone(), took, peak, left.to_string()]);
    }
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}
