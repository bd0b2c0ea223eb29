//! One run of a demo: explains, shows, and verifies every claim.

use std::fmt::Display;
use std::time::Instant;

use nix::unistd::Pid;

use super::renderer::{Block, Renderer};
use super::snapshot::take_snapshot;
use crate::check::{self, Finding};
use crate::deadline::{Deadlines, until};
use crate::diagram::{Process, ProcessSelection, ProcessState, Snapshot, cannot_read};
use crate::server::{Instance, describe_exit};
use crate::sys;

/// One run of a demo: it renders explanations and diagrams, and verifies claims about the kernel.
///
/// Every claim is verified before it is printed, against the kernel or the bytes that came back. A claim that does
/// not hold ends the demo with a [`Finding`] that names it.
pub struct DemoRun<'a> {
    renderer: &'a mut dyn Renderer,
    deadlines: Deadlines,
    step: usize,
    verified: usize,
    /// Claims of a demo that were verified and are not rendered yet.
    claims: Vec<String>,
}

impl<'a> DemoRun<'a> {
    /// Creates a run of a demo that waits for the kernel as long as `deadlines` allows.
    pub fn new(renderer: &'a mut dyn Renderer, deadlines: Deadlines) -> DemoRun<'a> {
        DemoRun { renderer, deadlines, step: 0, verified: 0, claims: Vec::new() }
    }

    /// Returns the deadlines of the run of a demo.
    #[must_use]
    pub fn deadlines(&self) -> Deadlines {
        self.deadlines
    }

    /// Renders the title of a demo.
    ///
    /// # Errors
    /// As [`explain`](DemoRun::explain).
    pub fn begin(&mut self, name: &str, summary: &str) -> check::Result {
        self.renderer.render(Block::Title { name, summary })
    }

    /// Begins a step of a demo with the heading `title`.
    ///
    /// # Errors
    /// As [`explain`](DemoRun::explain).
    pub fn step(&mut self, title: &str) -> check::Result {
        self.render_claims()?;
        self.step += 1;
        self.renderer.render(Block::Heading { number: self.step, title })
    }

    /// Renders a paragraph of a demo's explanation.
    ///
    /// # Errors
    /// Interrupted if the reader has gone.
    pub fn explain(&mut self, text: &str) -> check::Result {
        self.render_claims()?;
        self.renderer.render(Block::Paragraph(text))
    }

    /// Renders a diagram of a demo, and then the claims that were verified with it.
    ///
    /// # Errors
    /// As [`explain`](DemoRun::explain).
    pub fn show(&mut self, snapshot: &Snapshot) -> check::Result {
        self.renderer.render(Block::Diagram(snapshot))?;
        self.render_claims()
    }

    /// Renders lines of a demo's text that keep their columns.
    ///
    /// # Errors
    /// As [`explain`](DemoRun::explain).
    pub fn show_lines(&mut self, lines: &[String]) -> check::Result {
        self.renderer.render(Block::Lines(lines))?;
        self.render_claims()
    }

    /// Takes snapshots of processes until `claim` holds, and returns the snapshot for which it holds. A process may be
    /// about to block at that moment. It is given a little time, so that a diagram shows where it is blocked.
    ///
    /// # Errors
    /// A failure with the last snapshot if the claim does not hold in time. Unsupported if the system does not show
    /// processes.
    pub fn wait_until(
        &mut self,
        shown: &[ProcessSelection],
        claim: impl Into<String>,
        holds: impl Fn(&Snapshot) -> bool,
    ) -> check::Result<Snapshot> {
        let (mut last, mut held_since) = (String::new(), None);
        let limit = self.deadlines.no_progress();
        let found = until(limit, || {
            let snapshot = take_snapshot(shown)?;
            if !holds(&snapshot) {
                last = snapshot.to_string();
                return Ok(None);
            }
            let since = *held_since.get_or_insert_with(Instant::now);
            let is_settled =
                are_blocked(&snapshot) || since.elapsed() >= limit / 10 || !shows_blocked_processes();
            Ok(is_settled.then_some(snapshot))
        })?;
        self.verify(claim, found.is_some(), last)?;
        found.ok_or_else(|| Finding::broken("a snapshot", "none was taken"))
    }

    /// Waits until the main thread of `pid` is blocked in a kernel function whose name contains `function`. Verifies
    /// nothing if the system does not show where processes are blocked.
    ///
    /// # Errors
    /// A failure if the thread is blocked elsewhere, or not at all.
    pub fn wait_until_blocked(&mut self, pid: Pid, function: &str, claim: &str) -> check::Result {
        if !shows_blocked_processes() {
            return Ok(());
        }
        let mut last = None;
        let found = until(self.deadlines.no_progress(), || {
            last = sys::wait_channel(pid);
            Ok(last.as_ref().filter(|last| last.contains(function)).cloned())
        })?;
        let seen = last.map_or("not blocked".into(), |last| format!("blocked in {last}"));
        self.verify(claim, found.is_some(), format!("process {pid} is {seen}"))
    }

    /// Waits until a signal has stopped the process `pid`, and records `claim` as verified.
    ///
    /// # Errors
    /// A failure if the process is not stopped in time. Unsupported if the system does not list processes.
    pub fn wait_until_stopped(&mut self, pid: Pid, claim: &str) -> check::Result {
        let stopped = until(self.deadlines.no_progress(), || {
            let processes = sys::processes().map_err(|error| cannot_read("a list of processes", &error))?;
            Ok(processes.iter().any(|process| process.pid == pid && process.stopped).then_some(()))
        })?;
        self.verify(claim, stopped.is_some(), format!("process {pid} is not stopped"))
    }

    /// Waits until `instance` exits, and verifies that its exit status is 0.
    ///
    /// # Errors
    /// A failure with the exit status, or if the process still runs.
    pub fn verify_exit(&mut self, claim: impl Into<String>, instance: &mut Instance) -> check::Result {
        let status = instance.wait(self.deadlines.exit());
        let seen = status.map_or("it still runs".into(), describe_exit);
        self.verify(claim, status.is_some_and(|status| status.success()), seen)
    }

    /// Records `claim` of a demo as verified if it `holds`. Fails otherwise.
    ///
    /// # Errors
    /// A failure with the claim as expected and `seen` as actual.
    pub fn verify(&mut self, claim: impl Into<String>, holds: bool, seen: impl Display) -> check::Result {
        let claim = claim.into();
        if !holds {
            return Err(Finding::fail(claim, seen.to_string()));
        }
        self.verified += 1;
        self.claims.push(claim);
        Ok(())
    }

    /// Records `claim` of a demo as verified if `result` is a success, and returns its value.
    ///
    /// # Errors
    /// The finding of `result`, with the claim as its reason.
    pub fn verify_ok<T>(&mut self, claim: impl Into<String>, result: check::Result<T>) -> check::Result<T> {
        let claim = claim.into();
        let value = result.map_err(|finding| finding.because(format!("the demo claims: {claim}")))?;
        self.verify(claim, true, "")?;
        Ok(value)
    }

    /// Renders the end of a demo.
    ///
    /// # Errors
    /// As [`explain`](DemoRun::explain).
    pub fn finish(&mut self) -> check::Result {
        self.render_claims()?;
        self.renderer.render(Block::End { verified: self.verified })
    }

    fn render_claims(&mut self) -> check::Result {
        if self.claims.is_empty() {
            return Ok(());
        }
        let claims = std::mem::take(&mut self.claims);
        self.renderer.render(Block::Claims(&claims))
    }
}

/// Returns whether no process of the snapshot runs, except this one.
fn are_blocked(snapshot: &Snapshot) -> bool {
    let runs = |process: &Process| process.state == ProcessState::Alive(None) && process.pid != Pid::this();
    !snapshot.processes.iter().any(runs)
}

/// Returns whether this system shows where processes are blocked. If it does, it shows this of at least one process.
fn shows_blocked_processes() -> bool {
    let processes = sys::processes().unwrap_or_default();
    processes.iter().any(|process| sys::wait_channel(process.pid).is_some())
}

#[cfg(test)]
mod tests {
    use super::super::terminal::{TerminalOptions, TerminalRenderer};
    use super::*;

    #[test]
    fn a_claim_that_does_not_hold_ends_the_demo() {
        let mut out = Vec::new();
        let mut terminal = TerminalRenderer::new(&mut out, TerminalOptions::default());
        let mut run = DemoRun::new(&mut terminal, Deadlines::default());
        let finding = run.verify("water is dry", false, "wet").unwrap_err();
        assert_eq!((finding.expected.as_str(), finding.actual.as_str()), ("water is dry", "wet"));
    }
}
