//! The text report on a terminal, with a live line that names the running checks.

use std::io::{self, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::record::{CheckFinished, Event, RunEnding, RunFinished, RunStarted};
use super::remaining::RemainingTime;
use super::{Reporter, TextReport};
use crate::outcome::Outcome;

/// Writes a [`TextReport`] to `W` as the run goes on. The live line goes to standard error, if that is a terminal.
pub struct TerminalReport<W> {
    text: TextReport,
    /// Whether the report has only the checks that did not pass, and the last line.
    is_quiet: bool,
    out: W,
    live: ProgressBar,
    /// The run whose heading the report has not written yet. A server that cannot be launched gets no heading.
    pending: Option<RunStarted>,
    /// The run whose heading a quiet report writes if a check does not pass.
    heading: Option<RunStarted>,
    remaining: RemainingTime,
    /// The ids of all checks of a run, in the order of the report.
    order: Vec<String>,
    /// The ids of the checks that are running, the longest-running first.
    running: Vec<String>,
    results: Vec<CheckFinished>,
}

impl<W: Write> TerminalReport<W> {
    /// Creates a report of runs that is written to `out`.
    pub fn new(out: W) -> TerminalReport<W> {
        TerminalReport {
            text: TextReport::coloured(),
            is_quiet: false,
            out,
            live: ProgressBar::hidden(),
            pending: None,
            heading: None,
            remaining: RemainingTime::new(&[]),
            order: Vec::new(),
            running: Vec::new(),
            results: Vec::new(),
        }
    }

    /// Returns the report, changed so that it has only the checks that did not pass, and the last line.
    #[must_use]
    pub fn quiet(self) -> Self {
        TerminalReport { is_quiet: true, ..self }
    }

    /// Returns the report, changed so that it has the steps of clients and server of each check that did not pass.
    #[must_use]
    pub fn with_steps(self) -> Self {
        TerminalReport { text: self.text.with_steps(), ..self }
    }

    /// Writes the heading of the run, unless the report has it already.
    fn begin(&mut self) -> io::Result<()> {
        let Some(run) = self.pending.take() else { return Ok(()) };
        self.order = run.checks.clone();
        self.remaining = RemainingTime::new(&self.order);
        if self.is_quiet {
            self.heading = Some(run);
            return Ok(());
        }
        self.text.write_heading(&mut self.out, &run.server, run.seed, run.checks.len())?;
        self.live = ProgressBar::new(run.checks.len() as u64);
        let style = ProgressStyle::with_template("{spinner} {pos}/{len}  {wide_msg}");
        self.live.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        self.live.enable_steady_tick(Duration::from_millis(100));
        Ok(())
    }

    fn write_line(&mut self, check: &CheckFinished) -> io::Result<()> {
        if self.is_quiet {
            return Ok(());
        }
        self.live.inc(1);
        let TerminalReport { live, out, text, .. } = self;
        live.suspend(|| text.write_line(out, check))
    }

    fn end(&mut self, run: &RunFinished) -> io::Result<()> {
        self.live.finish_and_clear();
        if run.ending == RunEnding::NotLaunched {
            self.pending = None;
            return Ok(()); // The program prints the error itself.
        }
        self.begin()?;
        let order = std::mem::take(&mut self.order);
        self.results.sort_by_key(|check| order.iter().position(|id| *id == check.check));
        let took = Duration::from_secs_f64(run.at_millis / 1000.0);
        if let Some(run) = self.heading.take()
            && self.results.iter().any(|check| check.outcome != Outcome::Pass)
        {
            self.text.write_heading(&mut self.out, &run.server, run.seed, run.checks.len())?;
        }
        self.text.write_explanations(&mut self.out, &self.results)?;
        self.text.write_total(&mut self.out, run.summary, took)?;
        if run.ending == RunEnding::Interrupted {
            writeln!(self.out, "interrupted: the other checks were not run")?;
        }
        self.out.flush()
    }
}

impl<W: Write> Reporter for TerminalReport<W> {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        match event {
            Event::RunStarted(run) => {
                self.results.clear();
                self.pending = Some(run.clone());
            }
            Event::CheckStarted(started) => {
                self.begin()?;
                self.running.push(started.check.clone());
                self.remaining.started(&started.check, started.at_millis);
            }
            Event::CheckFinished(check) => {
                self.begin()?;
                self.running.retain(|running| *running != check.check);
                self.remaining.finished(check);
                self.write_line(check)?;
                self.results.push(CheckFinished::clone(check));
            }
            Event::RunFinished(run) => self.end(run)?,
        }
        let running = self.running.join(", ");
        self.live.set_message(match self.remaining.text() {
            Some(left) => format!("{left}  {running}"),
            None => running,
        });
        Ok(())
    }
}
