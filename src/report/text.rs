//! The report for a person: a heading, a line for each check, and a full explanation of every check that did not pass.

use std::io::{self, Write};
use std::time::Duration;

use anstyle::{AnsiColor, Style};

#[cfg(feature = "cli")]
use super::Format;
#[cfg(feature = "cli")]
use super::record::RunRecord;
use super::record::{CheckFinished, NotRun, ServerRecord, TimelineStep, not_run};
use crate::outcome::Outcome;
use crate::runner::Summary;
use crate::server::Rehearsal;
use crate::text::count_with_noun;

#[cfg(feature = "cli")]
pub const FORMAT: Format =
    Format { name: "text", summary: "the text of the terminal, without colours", render };

#[cfg(feature = "cli")]
fn render(runs: &[RunRecord], out: &mut dyn Write) -> io::Result<()> {
    let text = TextReport::plain();
    for run in runs {
        text.write_heading(out, &run.started.server, run.started.seed, run.started.checks.len())?;
        if let Some(error) = run.launch_error() {
            writeln!(out, "{error}\n")?;
            continue;
        }
        run.checks.iter().try_for_each(|check| text.write_line(out, check))?;
        text.write_explanations(out, &run.checks)?;
        text.write_total(out, run.summary(), Duration::from_secs_f64(run.seconds()))?;
        if run.is_incomplete() {
            writeln!(out, "interrupted: the other checks were not run")?;
        }
        writeln!(out)?;
    }
    Ok(())
}

/// The text report of a run of checks, written part by part.
#[derive(Debug, Clone)]
pub struct TextReport {
    bold: Style,
    dim: Style,
    is_coloured: bool,
    /// Whether an explanation has the steps of clients and server.
    shows_steps: bool,
}

impl TextReport {
    /// Creates a text report with the escape sequences of ECMA-48 for colours.
    #[cfg(feature = "cli")]
    #[must_use]
    pub fn coloured() -> TextReport {
        TextReport {
            bold: Style::new().bold(),
            dim: Style::new().dimmed(),
            is_coloured: true,
            shows_steps: false,
        }
    }

    /// Creates a text report without escape sequences.
    #[must_use]
    pub fn plain() -> TextReport {
        TextReport { bold: Style::new(), dim: Style::new(), is_coloured: false, shows_steps: false }
    }

    /// Returns the report, changed so that each explanation has the steps of clients and server.
    #[cfg(feature = "cli")]
    #[must_use]
    pub fn with_steps(self) -> TextReport {
        TextReport { shows_steps: true, ..self }
    }

    /// Writes the heading of a text report: the server's command, the number of checks, the seed, and the properties
    /// that the rehearsal found.
    ///
    /// # Errors
    /// Those of writing.
    pub fn write_heading(
        &self,
        out: &mut dyn Write,
        server: &ServerRecord,
        seed: u64,
        number: usize,
    ) -> io::Result<()> {
        let TextReport { bold, dim, .. } = self;
        let ServerRecord { name, transport, start, protocol, command, .. } = server;
        let name = name.as_ref().map(|name| format!("{name}: ")).unwrap_or_default();
        let start = match &**start {
            "bind" => String::new(),
            "attach" => " --connect".to_owned(),
            start => format!(" --start {start}"),
        };
        let protocol = match &server.protocol_argument {
            None if protocol == "echo" => String::new(),
            argument => format!(" --protocol {}", argument.as_ref().unwrap_or(protocol)),
        };
        let checks = count_with_noun(number, "check");
        writeln!(
            out,
            "{bold}{name}{transport}{start}{protocol}{bold:#}  {command}  {dim}{checks}, seed {seed}{dim:#}"
        )?;
        for left_out in &server.left_out {
            writeln!(out, "{dim}{left_out}{dim:#}")?;
        }
        if let Some(rehearsal) = &server.rehearsal {
            self.write_rehearsal(out, &server.protocol, rehearsal)?;
        }
        writeln!(out)
    }

    /// Writes the properties of the server that the rehearsal found, and its differences from the protocol file.
    fn write_rehearsal(&self, out: &mut dyn Write, protocol: &str, rehearsal: &Rehearsal) -> io::Result<()> {
        let summary = rehearsal.summary();
        if !summary.is_empty() {
            writeln!(out, "{protocol}: {summary}")?;
        }
        let warn = self.style(Outcome::Warn);
        for difference in &rehearsal.differences {
            writeln!(out, "{warn}warning{warn:#}: {difference}")?;
        }
        Ok(())
    }

    /// Writes the line of one check in a text report.
    ///
    /// # Errors
    /// Those of writing.
    #[cfg(feature = "cli")]
    pub fn write_line(&self, out: &mut dyn Write, check: &CheckFinished) -> io::Result<()> {
        let (style, dim) = (self.style(check.outcome), self.dim);
        let (word, id, millis) = (check.outcome.word(), &check.check, check.took_millis.floor());
        let repeated = check.repeated.map(|repeated| format!("  {repeated}")).unwrap_or_default();
        writeln!(out, "{style}{word:>11}{style:#}  {id:<28} {dim}{millis:>6} ms{repeated}{dim:#}")
    }

    /// Writes an explanation of every check that did not pass into a text report.
    ///
    /// # Errors
    /// Those of writing.
    pub fn write_explanations(&self, out: &mut dyn Write, checks: &[CheckFinished]) -> io::Result<()> {
        let is_explained = |it: &&CheckFinished| it.outcome != Outcome::Pass && !it.is_not_asked();
        for check in checks.iter().filter(is_explained) {
            self.explain(out, check)?;
            if self.shows_steps && !check.timeline.is_empty() {
                self.write_field(out, "steps", &steps(&check.timeline))?;
            }
        }
        self.explain_not_asked(out, checks)
    }

    fn explain(&self, out: &mut dyn Write, check: &CheckFinished) -> io::Result<()> {
        let (style, bold, dim) = (self.style(check.outcome), self.bold, self.dim);
        let (word, id, level) = (check.outcome.word(), &check.check, check.level);
        writeln!(out, "\n{style}{word}{style:#} {bold}{id}{bold:#} {dim}({level}){dim:#}")?;
        writeln!(out, "  {}", check.sentence)?;
        check.fields().iter().try_for_each(|(name, text)| self.write_field(out, name, text))
    }

    /// Explains why checks were not run, each reason once: one cause may keep many checks from running.
    fn explain_not_asked(&self, out: &mut dyn Write, checks: &[CheckFinished]) -> io::Result<()> {
        for NotRun { outcome, reason, checks } in not_run(checks) {
            let style = self.style(outcome);
            writeln!(out, "\n{style}{}{style:#} {}", outcome.word(), count_with_noun(checks.len(), "check"))?;
            self.write_field(out, "cause", reason)?;
            self.write_field(out, "checks", &in_lines(&checks))?;
        }
        Ok(())
    }

    fn write_field(&self, out: &mut dyn Write, name: &str, text: &str) -> io::Result<()> {
        let dim = self.dim;
        let indented = text.trim_end().replace('\n', "\n            ");
        writeln!(out, "  {dim}{name:<9}{dim:#} {indented}")
    }

    /// Writes the last line of a text report: how many checks ended with each outcome, and how long the run took.
    ///
    /// # Errors
    /// Those of writing.
    pub fn write_total(&self, out: &mut dyn Write, summary: Summary, took: Duration) -> io::Result<()> {
        writeln!(out, "\n{}", self.total(summary, took))
    }

    /// Returns the last line of a text report: how many checks ended with each outcome, and how long the run took.
    pub(crate) fn total(&self, summary: Summary, took: Duration) -> String {
        let Summary { total, pass, fail, warn, info, skipped, broken } = summary;
        let counts = [
            (pass, "pass", Outcome::Pass),
            (fail, "fail", Outcome::Fail),
            (warn, "warn", Outcome::Warn),
            (info, "info", Outcome::Info),
            (skipped, "not run", Outcome::Skipped),
            (broken, "broken (harness)", Outcome::Broken),
        ];
        let parts = counts.into_iter().filter(|(number, ..)| *number > 0).map(|(number, word, outcome)| {
            let style = self.style(outcome);
            format!("{style}{number} {word}{style:#}")
        });
        let parts = parts.collect::<Vec<_>>().join(", ");
        format!("{}: {parts} in {:.1} s", count_with_noun(total, "check"), took.as_secs_f64())
    }

    fn style(&self, outcome: Outcome) -> Style {
        if !self.is_coloured {
            return Style::new();
        }
        let colour = match outcome {
            Outcome::Pass | Outcome::Xfail => AnsiColor::Green,
            Outcome::Warn | Outcome::Flaky => AnsiColor::Yellow,
            Outcome::Info => AnsiColor::Cyan,
            Outcome::Skipped | Outcome::Unsupported => AnsiColor::BrightBlack,
            Outcome::Broken => AnsiColor::Magenta,
            _ => AnsiColor::Red,
        };
        let style = colour.on_default();
        if outcome.is_failure() { style.bold() } else { style }
    }
}

/// Joins the ids of checks with commas, in lines of a width that a terminal has.
fn in_lines(ids: &[&str]) -> String {
    const WIDTH: usize = 88;
    let mut lines = vec![String::new()];
    for (at, id) in ids.iter().enumerate() {
        let comma = if at + 1 < ids.len() { "," } else { "" };
        match lines.last_mut().filter(|line| line.len() + id.len() + 2 <= WIDTH) {
            Some(line) if line.is_empty() => line.push_str(&format!("{id}{comma}")),
            Some(line) => line.push_str(&format!(" {id}{comma}")),
            None => lines.push(format!("{id}{comma}")),
        }
    }
    lines.join("\n")
}

/// Returns the steps of a timeline, one a line.
fn steps(timeline: &[TimelineStep]) -> String {
    let line = |step: &TimelineStep| {
        let text = format!("{} {}", step.actor, step.text);
        format!("{:>10.1} ms  {}", step.at_millis, text.trim())
    };
    timeline.iter().map(line).collect::<Vec<_>>().join("\n")
}
