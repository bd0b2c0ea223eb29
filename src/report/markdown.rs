//! Markdown for a pull request or a step summary: a table of all servers, and a section for each finding.

use std::io::{self, Write};

use super::Format;
use super::record::{CheckFinished, RunRecord};
use crate::outcome::Outcome;
use crate::runner::Summary;
use crate::text::{count_with_noun, markdown};

pub const FORMAT: Format =
    Format { name: "markdown", summary: "Markdown, for a pull request or a step summary", render };

/// The maximum number of findings that the Markdown report explains. GitHub refuses a comment of more than 65,536
/// characters.
const MAX_EXPLAINED: usize = 40;

fn render(runs: &[RunRecord], out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "### echospec\n")?;
    writeln!(out, "| server | result | pass | fail | warn | info | not run | broken | seconds |")?;
    writeln!(out, "|:--|:--|--:|--:|--:|--:|--:|--:|--:|")?;
    for run in runs {
        write_row(run, out)?;
    }
    for run in runs {
        for difference in run.started.server.differences() {
            writeln!(out, "\n**warning** {}: {}", markdown(run.title()), markdown(difference))?;
        }
    }
    let mut findings: Vec<(&RunRecord, &CheckFinished)> =
        runs.iter().flat_map(|run| run.findings().map(move |check| (run, check))).collect();
    findings.sort_by_key(|(_, check)| rank(check.outcome));
    for (run, check) in findings.iter().take(MAX_EXPLAINED) {
        explain(run, check, out)?;
    }
    if let Some(more) = findings.len().checked_sub(MAX_EXPLAINED).filter(|&more| more > 0) {
        writeln!(out, "\n{} not shown here.", count_with_noun(more, "more finding"))?;
    }
    Ok(())
}

fn write_row(run: &RunRecord, out: &mut dyn Write) -> io::Result<()> {
    let Summary { pass, fail, warn, info, skipped, broken, .. } = run.summary();
    let title = markdown(run.title());
    let result = markdown(&run.verdict());
    let seconds = run.seconds();
    writeln!(
        out,
        "| {title} | {result} | {pass} | {fail} | {warn} | {info} | {skipped} | {broken} | {seconds:.1} |"
    )
}

/// Returns the rank of an outcome by which findings are ordered: failures first, information last.
fn rank(outcome: Outcome) -> u8 {
    match outcome {
        outcome if outcome.is_failure() => 0,
        Outcome::Broken => 1,
        Outcome::Warn | Outcome::Flaky => 2,
        _ => 3,
    }
}

fn explain(run: &RunRecord, check: &CheckFinished, out: &mut dyn Write) -> io::Result<()> {
    let open = if check.outcome.is_failure() { " open" } else { "" };
    let (outcome, id, title) = (check.outcome, &check.check, markdown(run.title()));
    writeln!(out, "\n<details{open}><summary><b>{outcome}</b> <code>{id}</code> {title}</summary>\n")?;
    writeln!(out, "{}\n", markdown(&check.sentence))?;
    for (name, text) in check.fields() {
        if text.contains('\n') || matches!(name, "printed" | "again") {
            write_block(name, &text, out)?;
        } else {
            writeln!(out, "- **{name}**: {}", markdown(&text))?;
        }
    }
    writeln!(out, "\n</details>")
}

/// Writes lines of text as a Markdown code block, in a fence that is longer than any in the text.
fn write_block(name: &str, text: &str, out: &mut dyn Write) -> io::Result<()> {
    let longest = text.split(|letter| letter != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest.max(2) + 1);
    writeln!(out, "- **{name}**:\n\n{fence}text\n{text}\n{fence}\n")
}
