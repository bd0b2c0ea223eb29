//! `cargo xtask mutants`: every check against its broken twins, and what it found.

use std::env;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use comfy_table::Table;
use comfy_table::presets::NOTHING;
use echospec::cli::interrupt;
use echospec::deadline::is_interrupted;
use echospec::server::sweep;
use echospec::text::count_with_noun;
use echospec_fixtures::judge::{self, Judgement};
use echospec_fixtures::{Program, TWINS, Twin};

use crate::servers;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Run only the twins whose check, program or fault contains TEXT
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,

    /// Run the twins and their correct siblings N times, each twin without a second try, and count what goes wrong
    #[arg(long, value_name = "N")]
    rounds: Option<usize>,

    /// With --rounds, run the correct siblings of the twins alone
    #[arg(long, requires = "rounds")]
    siblings: bool,
}

/// The length to which the table cuts a finding.
const COLUMN_WIDTH: usize = 90;

pub fn run(args: &Args) -> Result<bool> {
    servers::build()?;
    let matches = |text: &str| args.only.as_deref().is_none_or(|part| text.contains(part));
    let chosen = TWINS
        .iter()
        .filter(|twin| matches(twin.check) || matches(twin.program.name) || matches(twin.fault.name));
    let chosen: Vec<Twin> = chosen.copied().collect();
    ensure!(!chosen.is_empty(), "no twin's check, program or fault contains the text given to --only");
    interrupt::watch_signals()?;
    let began = Instant::now();
    let this_program = env::current_exe()?;
    let folder = this_program.parent().context("this program has no folder")?;
    let siblings = judge::siblings(&chosen);
    if let Some(rounds) = args.rounds {
        let twins = if args.siblings { &[] } else { &*chosen };
        return Ok(run_rounds(folder, twins, &siblings, rounds));
    }
    let judged = judge::judge_twins(folder, &chosen, judge::TRIES, progress);
    let false_findings =
        if args.only.is_none() { judge::judge_siblings(folder, &siblings) } else { Vec::new() };
    sweep();
    println!("{}", table(&judged));
    let problems = print_summary(&judged, &false_findings, chosen.len());
    println!("in {:.1} s", began.elapsed().as_secs_f64());
    Ok(problems == 0 && interrupt::received_signal().is_none())
}

/// Runs all of `twins` and `siblings` `rounds` times. Reports whether nothing went wrong.
fn run_rounds(folder: &Path, twins: &[Twin], siblings: &[Program], rounds: usize) -> bool {
    let (mut runs, mut problems, mut completed) = (0, 0, 0);
    while completed < rounds {
        let began = Instant::now();
        let judged = judge::judge_twins(folder, twins, 1, print_miss);
        let false_findings = judge::judge_siblings(folder, siblings);
        if is_interrupted() {
            break;
        }
        completed += 1;
        runs += judged.len();
        let missed = judged.iter().filter(|(_, judgement)| !judgement.complaint.is_empty()).count();
        false_findings.iter().for_each(|line| println!("FALSE FINDING {line}"));
        problems += missed + false_findings.len();
        let (took, all) = (began.elapsed().as_secs_f64(), count_with_noun(problems, "problem"));
        let siblings = count_with_noun(completed * siblings.len(), "sibling");
        println!("round {completed} of {rounds}: {took:.1} s, {runs} twins, {siblings}, {all} so far");
    }
    sweep();
    problems == 0 && completed == rounds
}

fn print_miss(twin: &Twin, Judgement { complaint, .. }: &Judgement) {
    if !complaint.is_empty() {
        println!("MISSED {} on {} {}: {complaint}", twin.check, twin.program.name, twin.fault.name);
    }
}

fn progress(twin: &Twin, judgement: &Judgement) {
    let mark = if judgement.complaint.is_empty() { "caught" } else { "MISSED" };
    eprintln!("{mark:>8}  {} {} by {}", twin.program.name, twin.fault.name, twin.check);
}

fn table(judged: &[(Twin, Judgement)]) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING);
    table.set_header(["check", "twin", "finding"]);
    for (twin, judgement) in judged {
        let said =
            if judgement.complaint.is_empty() { first_line(&judgement.finding) } else { "MISSED".into() };
        table.add_row([twin.check.to_owned(), format!("{} {}", twin.program.name, twin.fault.name), said]);
    }
    table
}

fn first_line(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let cut: String = line.chars().take(COLUMN_WIDTH).collect();
    if cut.len() < line.len() { format!("{cut}…") } else { cut }
}

/// Prints all problems and the totals. Returns the number of problems.
fn print_summary(judged: &[(Twin, Judgement)], false_findings: &[String], chosen: usize) -> usize {
    let missed: Vec<_> = judged.iter().filter(|(_, judgement)| !judgement.complaint.is_empty()).collect();
    let without_twin = judge::checks_without_twin();
    missed.iter().for_each(|(twin, judgement)| print_miss(twin, judgement));
    false_findings.iter().for_each(|line| println!("FALSE FINDING {line}"));
    without_twin.iter().for_each(|check| println!("NO TWIN {check}"));
    let mut checks: Vec<_> = judged.iter().map(|(twin, _)| twin.check).collect();
    checks.dedup();
    let (checks, twins) = (count_with_noun(checks.len(), "check"), count_with_noun(judged.len(), "twin"));
    let siblings = count_with_noun(judge::siblings(&TWINS).len(), "correct sibling");
    println!(
        "\n{checks}, {twins}: {} caught for their reasons, {} missed; {siblings}, {} false findings; {} checks without a twin",
        judged.len() - missed.len(),
        missed.len(),
        false_findings.len(),
        without_twin.len()
    );
    missed.len() + false_findings.len() + without_twin.len() + (chosen - judged.len())
}
