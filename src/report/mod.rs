//! Reports of runs of checks: one file for each format. All are rendered from the events in [`record`].

#[cfg(feature = "cli")]
use std::io::{self, Write};

use crate::runner::RunOptions;
use crate::server::{Spec, Start};

#[cfg(feature = "cli")]
mod diff;
#[cfg(feature = "cli")]
mod github;
#[cfg(feature = "cli")]
mod html;
#[cfg(feature = "cli")]
mod human;
#[cfg(feature = "cli")]
mod json;
#[cfg(feature = "cli")]
mod junit;
#[cfg(feature = "cli")]
pub mod learn;
#[cfg(feature = "cli")]
mod markdown;
#[cfg(feature = "cli")]
mod marked;
pub mod record;
#[cfg(feature = "cli")]
mod remaining;
#[cfg(all(test, feature = "cli"))]
mod sample;
#[cfg(feature = "cli")]
mod sarif;
#[cfg(feature = "cli")]
mod tap;
#[cfg(all(test, feature = "cli"))]
mod tests;
mod text;

#[cfg(feature = "cli")]
pub use diff::write_diff;
#[cfg(feature = "cli")]
pub use html::{ComparisonSection, FORMAT as HTML, render_with as render_page};
#[cfg(feature = "cli")]
pub use human::TerminalReport;
#[cfg(feature = "cli")]
pub use json::FORMAT as JSON;
#[cfg(feature = "cli")]
pub use record::Events;
#[cfg(feature = "cli")]
use record::{Event, RunRecord};
pub use text::TextReport;

/// The formats of reports that are rendered when all runs have ended, in the order in which help lists them.
#[cfg(feature = "cli")]
pub const FORMATS: &[Format] = &[
    text::FORMAT,
    json::FORMAT,
    junit::FORMAT,
    tap::FORMAT,
    markdown::FORMAT,
    github::FORMAT,
    sarif::FORMAT,
    html::FORMAT,
];

/// A format of report, such as JUnit or HTML.
#[cfg(feature = "cli")]
#[derive(Debug, Clone, Copy)]
pub struct Format {
    /// The name of a report format on the command line.
    pub name: &'static str,
    /// A short description of a report format.
    pub summary: &'static str,
    /// Writes a report about recorded runs in this format.
    pub render: fn(&[RunRecord], &mut dyn Write) -> io::Result<()>,
}

/// The facts about a run of checks that are known before it begins.
#[derive(Debug, Clone)]
pub struct Heading {
    /// The specification of the server under test.
    pub spec: Spec,
    /// The seed that determines the payloads of a run of checks.
    pub seed: u64,
    /// The factor that multiplies the deadlines of a run of checks, if it is not 1.
    pub timeout_scale: Option<f64>,
    /// The id and the file of each scene of a run.
    pub scenes: Vec<(&'static str, String)>,
}

/// A report that receives the events of runs as they happen.
#[cfg(feature = "cli")]
pub trait Reporter {
    /// Receives an event of a run for the report.
    ///
    /// # Errors
    /// Those of writing.
    fn event(&mut self, event: &Event) -> io::Result<()>;

    /// Completes the report, after the last event of the last run.
    ///
    /// # Errors
    /// Those of writing.
    fn finish(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A report that is written when all runs have ended.
#[cfg(feature = "cli")]
pub struct AtEnd<W> {
    format: Format,
    events: Vec<Event>,
    out: W,
}

#[cfg(feature = "cli")]
impl<W: Write> AtEnd<W> {
    /// Creates a report in `format` that is written to `out` when all runs have ended.
    pub fn new(format: Format, out: W) -> AtEnd<W> {
        AtEnd { format, events: Vec::new(), out }
    }
}

#[cfg(feature = "cli")]
impl<W: Write> Reporter for AtEnd<W> {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        self.events.push(event.clone());
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        let runs = RunRecord::group(std::mem::take(&mut self.events));
        (self.format.render)(&runs, &mut self.out)?;
        self.out.flush()
    }
}

impl Heading {
    /// Creates the heading of a run of checks of `spec` with `options`.
    #[must_use]
    pub fn new(spec: &Spec, options: &RunOptions) -> Heading {
        let scale = options.launch.deadlines.scale();
        Heading {
            spec: spec.clone(),
            seed: options.launch.seed,
            timeout_scale: Some(scale).filter(|&scale| scale != 1.0),
            scenes: Vec::new(),
        }
    }

    /// Returns the shell command that runs the checks with these ids again, with the same server and settings. The last
    /// one may be a scene.
    #[must_use]
    pub fn repeat_command(&self, ids: &[&str]) -> String {
        let only = ids.join(" --only ");
        if let Some(name) = self.spec.name() {
            let scale = self.timeout_scale.map(|scale| format!(" --timeout-scale {scale}"));
            let scale = scale.unwrap_or_default();
            return format!("echospec check --server {name} --only {only} --seed {}{scale}", self.seed);
        }
        let (transport, seed) = (self.spec.transport().name, self.seed);
        let mut words = match self.scenes.iter().find(|(scene, _)| ids.last() == Some(scene)) {
            Some((_, file)) => format!("echospec run {file} --transport {transport} --seed {seed}"),
            None => format!("echospec check {transport} --only {only} --seed {seed}"),
        };
        if let Some(scale) = self.timeout_scale {
            words += &format!(" --timeout-scale {scale}");
        }
        let (options, command) = (self.spec.options(), self.spec.command_line());
        match self.spec.start() {
            Start::Attach => format!("{words} --connect {command}{options}"),
            Start::Bind => format!("{words}{options} -- {command}"),
            start => format!("{words} --start {}{options} -- {command}", start.name()),
        }
    }
}
