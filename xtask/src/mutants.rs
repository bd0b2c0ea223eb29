//! `cargo xtask mutants`: every check against the servers that were broken for it, and why each was caught.

use std::env;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use comfy_table::Table;
use comfy_table::presets::NOTHING;
use echospec::cli::interrupt;
use echospec::server::sweep;
use echospec::text::count;
use echospec_fixtures::judge::{self, Judgement};
use echospec_fixtures::{TWINS, Twin};

use crate::round;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Run only twins whose check, program or fault contains this.
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
}

/// What a reason is cut to, so that a row stays a row.
const SHOWN: usize = 90;

pub fn run(args: &Args) -> Result<bool> {
    round::build()?;
    let wanted = |text: &str| args.only.as_deref().is_none_or(|part| text.contains(part));
    let chosen = TWINS
        .iter()
        .filter(|twin| wanted(twin.check) || wanted(twin.program.name) || wanted(twin.fault.name));
    let chosen: Vec<Twin> = chosen.copied().collect();
    ensure!(!chosen.is_empty(), "no twin's check, program or fault contains the text given to --only");
    interrupt::watch()?;
    let began = Instant::now();
    let here = env::current_exe()?;
    let folder = here.parent().context("this program has no folder")?;
    let judged = judge::judge_twins(folder, &chosen, progress);
    let accused = if args.only.is_none() { judge::judge_siblings(folder) } else { Vec::new() };
    sweep();
    println!("{}", table(&judged));
    let faulty = summary(&judged, &accused, chosen.len());
    println!("in {:.1} s", began.elapsed().as_secs_f64());
    Ok(faulty == 0 && interrupt::received().is_none())
}

fn progress(twin: &Twin, judgement: &Judgement) {
    let mark = if judgement.complaint.is_empty() { "caught" } else { "MISSED" };
    eprintln!("{mark:>8}  {} {} by {}", twin.program.name, twin.fault.name, twin.check);
}

fn table(judged: &[(Twin, Judgement)]) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING);
    table.set_header(["check", "twin", "caught for"]);
    for (twin, judgement) in judged {
        let said = if judgement.complaint.is_empty() { first(&judgement.finding) } else { "MISSED".into() };
        table.add_row([twin.check.to_owned(), format!("{} {}", twin.program.name, twin.fault.name), said]);
    }
    table
}

fn first(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let cut: String = line.chars().take(SHOWN).collect();
    if cut.len() < line.len() { format!("{cut}…") } else { cut }
}

/// Says what is not as it should be, and the figures; answers how much that is.
fn summary(judged: &[(Twin, Judgement)], accused: &[String], chosen: usize) -> usize {
    let missed: Vec<_> = judged.iter().filter(|(_, judgement)| !judgement.complaint.is_empty()).collect();
    let lonely = judge::checks_without_twin();
    for (twin, judgement) in &missed {
        println!(
            "MISSED {} on {} {}: {}",
            twin.check, twin.program.name, twin.fault.name, judgement.complaint
        );
    }
    accused.iter().for_each(|line| println!("ACCUSED {line}"));
    lonely.iter().for_each(|check| println!("NO TWIN {check}"));
    let mut checks: Vec<_> = judged.iter().map(|(twin, _)| twin.check).collect();
    checks.dedup();
    let (checks, twins) = (count(checks.len(), "check"), count(judged.len(), "twin"));
    let siblings = count(judge::siblings().len(), "correct sibling");
    println!(
        "\n{checks}, {twins}: {} caught for their reasons, {} missed; {siblings}, {} accusations; {} without a twin",
        judged.len() - missed.len(),
        missed.len(),
        accused.len(),
        lonely.len()
    );
    missed.len() + accused.len() + lonely.len() + (chosen - judged.len())
}
