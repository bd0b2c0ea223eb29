//! For a person at a terminal, at two in the morning.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressStyle};

use super::{Ending, Heading, Reporter};
use crate::checks::Check;
use crate::outcome::Outcome;
use crate::runner::{CheckResult, Event, Summary};
use crate::text::count;

/// A line for each check as it ends, what is wrong in full at the end, and a live line on a terminal.
pub struct Human<W> {
    heading: Heading,
    out: W,
    live: ProgressBar,
    running: Vec<&'static Check>,
    began: Instant,
}

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();

impl<W: Write> Human<W> {
    /// A report that goes to `out`; the live line goes to standard error if that is a terminal.
    pub fn new(heading: Heading, out: W) -> Human<W> {
        let live = ProgressBar::no_length();
        let style = ProgressStyle::with_template("{spinner} {pos}/{len}  {wide_msg}");
        live.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Human { heading, out, live, running: Vec::new(), began: Instant::now() }
    }

    fn begin(&mut self, number: usize) -> io::Result<()> {
        let Heading { spec, seed, .. } = &self.heading;
        let start = match spec.start() {
            crate::server::Start::Bind => String::new(),
            other => format!(" --start {}", other.name()),
        };
        let (transport, command) = (spec.transport().name, spec.command_line());
        writeln!(
            self.out,
            "{BOLD}{transport}{start}{BOLD:#}  {command}  {DIM}{}, seed {seed}{DIM:#}\n",
            count(number, "check")
        )?;
        self.live.set_length(number as u64);
        self.live.enable_steady_tick(Duration::from_millis(100));
        Ok(())
    }

    fn line(&mut self, report: &CheckResult) -> io::Result<()> {
        self.live.inc(1);
        let Human { live, out, .. } = self;
        live.suspend(|| {
            let style = style(report.outcome);
            let (word, id, millis) = (report.outcome.word(), report.check.id, report.took.as_millis());
            writeln!(out, "{style}{word:>11}{style:#}  {id:<28} {DIM}{millis:>6} ms{DIM:#}")
        })
    }

    fn name_running(&self) {
        let names: Vec<_> = self.running.iter().map(|check| check.id).collect();
        self.live.set_message(names.join(", "));
    }

    /// All that is to be known about a check that did not pass.
    fn explain(&mut self, report: &CheckResult) -> io::Result<()> {
        let (style, check) = (style(report.outcome), report.check);
        let (word, id, level) = (report.outcome.word(), check.id, check.level);
        writeln!(self.out, "\n{style}{word}{style:#} {BOLD}{id}{BOLD:#} {DIM}({level}){DIM:#}")?;
        writeln!(self.out, "  {}", check.sentence)?;
        self.field("expected", &report.expected)?;
        self.field("actual", &report.actual)?;
        self.field("cause", &report.reason)?;
        if report.outcome == Outcome::Unsupported {
            return Ok(());
        }
        self.field("why", check.why)?;
        self.field("see", &check.citations.join(" · "))?;
        self.field("printed", &report.server_output.join("\n"))?;
        self.field("again", &self.heading.again(id))
    }

    /// What keeps one check from its question keeps many, and is told once.
    fn explain_skipped(&mut self, reports: &[CheckResult]) -> io::Result<()> {
        let skipped = reports.iter().filter(|report| report.outcome == Outcome::Skipped);
        let mut reasons: Vec<(&str, usize)> = Vec::new();
        for CheckResult { reason, .. } in skipped {
            match reasons.iter_mut().find(|(known, _)| known == reason) {
                Some((_, number)) => *number += 1,
                None => reasons.push((reason, 1)),
            }
        }
        let style = style(Outcome::Skipped);
        for (reason, number) in reasons {
            writeln!(self.out, "\n{style}skipped{style:#} {}", count(number, "check"))?;
            self.field("cause", reason)?;
        }
        Ok(())
    }

    fn field(&mut self, name: &str, text: &str) -> io::Result<()> {
        if text.is_empty() {
            return Ok(());
        }
        // What has several lines keeps to its column.
        let text = text.trim_end().replace('\n', "\n            ");
        writeln!(self.out, "  {DIM}{name:<9}{DIM:#} {text}")
    }

    fn total(&mut self, reports: &[CheckResult]) -> io::Result<()> {
        let Summary { total, pass, fail, warn, info, skipped, broken } = Summary::of(reports);
        let seconds = self.began.elapsed().as_secs_f64();
        let counts = [
            (pass, "pass", Outcome::Pass),
            (fail, "fail", Outcome::Fail),
            (warn, "warn", Outcome::Warn),
            (info, "info", Outcome::Info),
            (skipped, "not run", Outcome::Skipped),
            (broken, "broken (harness)", Outcome::Broken),
        ];
        let parts = counts.into_iter().filter(|(number, ..)| *number > 0).map(|(number, word, outcome)| {
            let style = style(outcome);
            format!("{style}{number} {word}{style:#}")
        });
        let parts = parts.collect::<Vec<_>>().join(", ");
        writeln!(self.out, "\n{}: {parts} in {seconds:.1} s", count(total, "check"))
    }
}

impl<W: Write> Reporter for Human<W> {
    fn event(&mut self, event: &Event<'_>) -> io::Result<()> {
        match event {
            Event::Started(checks) => self.begin(checks.len())?,
            Event::CheckStarted(check) => self.running.push(check),
            Event::CheckFinished(report) => {
                self.running.retain(|running| running.id != report.check.id);
                self.line(report)?;
            }
        }
        self.name_running();
        Ok(())
    }

    fn finish(&mut self, reports: &[CheckResult], ending: &Ending) -> io::Result<()> {
        self.live.finish_and_clear();
        if let Ending::NotLaunched(_) = ending {
            return Ok(()); // The program itself complains.
        }
        let told = |report: &&CheckResult| !matches!(report.outcome, Outcome::Pass | Outcome::Skipped);
        for report in reports.iter().filter(told) {
            self.explain(report)?;
        }
        self.explain_skipped(reports)?;
        self.total(reports)?;
        if *ending == Ending::Interrupted {
            writeln!(self.out, "interrupted: the other checks were not run")?;
        }
        self.out.flush()
    }
}

fn style(outcome: Outcome) -> Style {
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
