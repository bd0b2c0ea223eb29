//! The Test Anything Protocol, version 13. The diagnostics of a check are a YAML block, whose strings are JSON strings.
//!
//! Version 14 is an extension that adds nothing used here. prove(1) of Perl 5.36 refuses it, even if all tests pass.

use std::io::{self, Write};

use serde_json::json;

use super::Format;
use super::record::{CheckFinished, RunRecord};
use crate::outcome::Outcome;

pub const FORMAT: Format = Format { name: "tap", summary: "TAP version 13, for prove(1)", render };

fn render(runs: &[RunRecord], out: &mut dyn Write) -> io::Result<()> {
    let not_launched = |run: &&RunRecord| run.launch_error().is_some();
    let number =
        runs.iter().map(|run| run.checks.len()).sum::<usize>() + runs.iter().filter(not_launched).count();
    writeln!(out, "TAP version 13\n1..{number}")?;
    let mut numbers = 1..;
    for run in runs {
        let prefix = if runs.len() > 1 { format!("{}: ", run.title()) } else { String::new() };
        for difference in run.started.server.differences() {
            writeln!(out, "# {}", escaped(&format!("warning: {prefix}{difference}")))?;
        }
        if let Some(error) = run.launch_error() {
            let number = numbers.next().unwrap_or_default();
            writeln!(out, "not ok {number} - {}", escaped(&format!("{prefix}launch")))?;
            write_block(out, &[("message", error)])?;
        }
        for (check, number) in run.checks.iter().zip(&mut numbers) {
            let name = escaped(&format!("{prefix}{}", check.check));
            writeln!(out, "{} {number} - {name}{}", verdict(check), directive(check))?;
            write_diagnostics(out, check)?;
        }
    }
    Ok(())
}

fn verdict(check: &CheckFinished) -> &'static str {
    let is_ok = !check.outcome.is_failure() && !matches!(check.outcome, Outcome::Broken | Outcome::Xfail);
    if is_ok { "ok" } else { "not ok" }
}

/// Returns the TAP directive of a check's test line. An expected failure is a test to do.
fn directive(check: &CheckFinished) -> String {
    let word = match check.outcome {
        Outcome::Skipped | Outcome::Unsupported => "SKIP",
        Outcome::Xfail => "TODO",
        _ => return String::new(),
    };
    format!(" # {word} {}", escaped(&check.headline()))
}

fn write_diagnostics(out: &mut dyn Write, check: &CheckFinished) -> io::Result<()> {
    if !check.is_finding() {
        return Ok(());
    }
    let citations = check.citations.join(" · ");
    let output = check.server_output.join("\n");
    let entries = [
        ("outcome", check.outcome.word()),
        ("sentence", &check.sentence),
        ("expected", &check.expected),
        ("actual", &check.actual),
        ("reason", &check.reason),
        ("why", &check.why),
        ("see", &citations),
        ("printed", &output),
        ("again", &check.again),
    ];
    write_block(out, &entries)
}

/// Writes a YAML block below a test line of the TAP report. JSON strings are valid in YAML, and have no line break.
fn write_block(out: &mut dyn Write, entries: &[(&str, &str)]) -> io::Result<()> {
    writeln!(out, "  ---")?;
    for (key, text) in entries.iter().filter(|(_, text)| !text.is_empty()) {
        writeln!(out, "  {key}: {}", json!(text))?;
    }
    writeln!(out, "  ...")
}

/// Puts `text` on one line and escapes the characters that end a description in TAP.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('#', "\\#").replace(['\n', '\r'], " ")
}
