//! The text report on a terminal, with a live line that names the running checks.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::{Heading, Reporter, RunEnding, TextReport};
use crate::checks::Check;
use crate::runner::{CheckResult, Event};

/// Writes a [`TextReport`] to `W` as the run goes on. The live line goes to standard error, if that is a terminal.
pub struct TerminalReport<W> {
    text: TextReport,
    out: W,
    live: ProgressBar,
    running: Vec<&'static Check>,
    began: Instant,
}

impl<W: Write> TerminalReport<W> {
    /// Creates a report that is written to `out`.
    pub fn new(heading: Heading, out: W) -> TerminalReport<W> {
        let live = ProgressBar::no_length();
        let style = ProgressStyle::with_template("{spinner} {pos}/{len}  {wide_msg}");
        live.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        let text = TextReport::coloured(heading);
        TerminalReport { text, out, live, running: Vec::new(), began: Instant::now() }
    }

    fn begin(&mut self, number: usize) -> io::Result<()> {
        self.text.write_heading(&mut self.out, number)?;
        self.live.set_length(number as u64);
        self.live.enable_steady_tick(Duration::from_millis(100));
        Ok(())
    }

    fn write_line(&mut self, result: &CheckResult) -> io::Result<()> {
        self.live.inc(1);
        let TerminalReport { live, out, text, .. } = self;
        live.suspend(|| text.write_line(out, result))
    }

    fn show_running(&self) {
        let names: Vec<_> = self.running.iter().map(|check| check.id).collect();
        self.live.set_message(names.join(", "));
    }
}

impl<W: Write> Reporter for TerminalReport<W> {
    fn event(&mut self, event: &Event<'_>) -> io::Result<()> {
        match event {
            Event::Started(spec, checks) => {
                self.text.set_server(spec);
                self.begin(checks.len())?;
            }
            Event::CheckStarted(check) => self.running.push(check),
            Event::CheckFinished(result) => {
                self.running.retain(|running| running.id != result.check.id);
                self.write_line(result)?;
            }
        }
        self.show_running();
        Ok(())
    }

    fn finish(&mut self, results: &[CheckResult], ending: &RunEnding) -> io::Result<()> {
        self.live.finish_and_clear();
        if let RunEnding::NotLaunched(_) = ending {
            return Ok(()); // The program prints the error itself.
        }
        self.text.write_explanations(&mut self.out, results)?;
        self.text.write_total(&mut self.out, results, self.began.elapsed())?;
        if *ending == RunEnding::Interrupted {
            writeln!(self.out, "interrupted: the other checks were not run")?;
        }
        self.out.flush()
    }
}
