//! The report for a person: a heading, a line for each check, and a full explanation of every check that did not pass.

use std::io::{self, Write};
use std::time::Duration;

use anstyle::{AnsiColor, Style};

use super::Heading;
use crate::outcome::Outcome;
use crate::runner::{CheckResult, Summary};
use crate::server::{Rehearsal, Spec, Start};
use crate::text::count_with_noun;

/// The report of a run as text, written part by part.
#[derive(Debug, Clone)]
pub struct TextReport {
    heading: Heading,
    bold: Style,
    dim: Style,
    is_coloured: bool,
}

/// Returns whether the check was not run for a reason that lies outside of it.
fn is_not_asked(result: &CheckResult) -> bool {
    let CheckResult { outcome, expected, .. } = result;
    *outcome == Outcome::Skipped || (*outcome == Outcome::Unsupported && expected.is_empty())
}

impl TextReport {
    /// Creates a text report with the escape sequences of ECMA-48 for colours.
    #[cfg(feature = "cli")]
    #[must_use]
    pub fn coloured(heading: Heading) -> TextReport {
        TextReport { heading, bold: Style::new().bold(), dim: Style::new().dimmed(), is_coloured: true }
    }

    /// Takes over `spec`, the server as the rehearsal found it.
    pub fn set_server(&mut self, spec: &Spec) {
        self.heading.spec = spec.clone();
    }

    /// Creates a text report without escape sequences.
    #[must_use]
    pub fn plain(heading: Heading) -> TextReport {
        TextReport { heading, bold: Style::new(), dim: Style::new(), is_coloured: false }
    }

    /// Writes the server's command, the number of checks, the seed, and what the rehearsal found.
    ///
    /// # Errors
    /// Those of writing.
    pub fn write_heading(&self, out: &mut dyn Write, number: usize) -> io::Result<()> {
        let TextReport { heading: Heading { spec, seed, .. }, bold, dim, .. } = self;
        let start = match spec.start() {
            Start::Bind => String::new(),
            other => format!(" --start {}", other.name()),
        };
        let protocol = match spec.protocol() {
            echo if echo.replies_equal_requests() => String::new(),
            other => format!(" --protocol {}", other.name()),
        };
        let (transport, command) = (spec.transport().name, spec.command_line());
        let checks = count_with_noun(number, "check");
        writeln!(
            out,
            "{bold}{transport}{start}{protocol}{bold:#}  {command}  {dim}{checks}, seed {seed}{dim:#}"
        )?;
        if let Some(rehearsal) = spec.rehearsal() {
            self.write_rehearsal(out, rehearsal)?;
        }
        writeln!(out)
    }

    /// Writes the properties of the server that the rehearsal found, and its differences from the protocol file.
    fn write_rehearsal(&self, out: &mut dyn Write, rehearsal: &Rehearsal) -> io::Result<()> {
        let summary = rehearsal.summary();
        if !summary.is_empty() {
            writeln!(out, "{}: {summary}", self.heading.spec.protocol().name())?;
        }
        let warn = self.style(Outcome::Warn);
        for difference in &rehearsal.differences {
            writeln!(out, "{warn}warning{warn:#}: {difference}")?;
        }
        Ok(())
    }

    /// Writes the line of one check.
    ///
    /// # Errors
    /// Those of writing.
    #[cfg(feature = "cli")]
    pub fn write_line(&self, out: &mut dyn Write, result: &CheckResult) -> io::Result<()> {
        let (style, dim) = (self.style(result.outcome), self.dim);
        let (word, id, millis) = (result.outcome.word(), result.check.id, result.took.as_millis());
        writeln!(out, "{style}{word:>11}{style:#}  {id:<28} {dim}{millis:>6} ms{dim:#}")
    }

    /// Writes an explanation of every check that did not pass.
    ///
    /// # Errors
    /// Those of writing.
    pub fn write_explanations(&self, out: &mut dyn Write, results: &[CheckResult]) -> io::Result<()> {
        let is_explained = |it: &&CheckResult| it.outcome != Outcome::Pass && !is_not_asked(it);
        for result in results.iter().filter(is_explained) {
            self.explain(out, result)?;
        }
        self.explain_not_asked(out, results)
    }

    fn explain(&self, out: &mut dyn Write, result: &CheckResult) -> io::Result<()> {
        let (style, bold, dim) = (self.style(result.outcome), self.bold, self.dim);
        let check = result.check;
        let (word, id, level) = (result.outcome.word(), check.id, check.level);
        writeln!(out, "\n{style}{word}{style:#} {bold}{id}{bold:#} {dim}({level}){dim:#}")?;
        writeln!(out, "  {}", check.sentence)?;
        self.write_field(out, "expected", &result.expected)?;
        self.write_field(out, "actual", &result.actual)?;
        self.write_field(out, "cause", &result.reason)?;
        if result.outcome == Outcome::Unsupported {
            return Ok(());
        }
        self.write_field(out, "why", check.why)?;
        self.write_field(out, "see", &check.citations.join(" · "))?;
        self.write_field(out, "printed", &result.server_output.join("\n"))?;
        self.write_field(out, "again", &self.heading.repeat_command(id))
    }

    /// Writes each reason for checks that were not asked once: one cause may keep many checks from running.
    fn explain_not_asked(&self, out: &mut dyn Write, results: &[CheckResult]) -> io::Result<()> {
        let mut reasons: Vec<(Outcome, &str, usize)> = Vec::new();
        for CheckResult { outcome, reason, .. } in results.iter().filter(|it| is_not_asked(it)) {
            match reasons.iter_mut().find(|(same, known, _)| same == outcome && known == reason) {
                Some((.., number)) => *number += 1,
                None => reasons.push((*outcome, reason, 1)),
            }
        }
        for (outcome, reason, number) in reasons {
            let style = self.style(outcome);
            writeln!(out, "\n{style}{}{style:#} {}", outcome.word(), count_with_noun(number, "check"))?;
            self.write_field(out, "cause", reason)?;
        }
        Ok(())
    }

    fn write_field(&self, out: &mut dyn Write, name: &str, text: &str) -> io::Result<()> {
        if text.is_empty() {
            return Ok(());
        }
        let dim = self.dim;
        let indented = text.trim_end().replace('\n', "\n            ");
        writeln!(out, "  {dim}{name:<9}{dim:#} {indented}")
    }

    /// Writes how many checks ended in each way, and how long the run took.
    ///
    /// # Errors
    /// Those of writing.
    pub fn write_total(
        &self,
        out: &mut dyn Write,
        results: &[CheckResult],
        took: Duration,
    ) -> io::Result<()> {
        let Summary { total, pass, fail, warn, info, skipped, broken } = Summary::of(results);
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
        writeln!(out, "\n{}: {parts} in {:.1} s", count_with_noun(total, "check"), took.as_secs_f64())
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
