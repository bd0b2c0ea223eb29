//! The narrator: tells a demo step by step, and lets nothing be told that is not so.

use std::fmt::Display;

use nix::unistd::Pid;

use super::draw::Look;
use super::picture::{Actor, Picture, unseen};
use super::stage::{Event, Stage};
use crate::check::{self, Finding};
use crate::deadline::{Deadlines, until};
use crate::sys;

/// How a story is to be told in a terminal.
#[derive(Debug, Clone, Copy, Default)]
pub struct Manner {
    /// How pictures look.
    pub look: Look,
    /// Wait for Enter on standard input before each step.
    pub pauses: bool,
    /// How long the kernel may take to bear a claim out.
    pub deadlines: Deadlines,
}

/// A story being told.
///
/// Whatever is claimed is verified first, against the kernel or the bytes that came back. A false claim
/// ends the story with a [`Finding`] that names what was expected; those that hold are listed where
/// they were verified.
pub struct Story<'a> {
    stage: &'a mut dyn Stage,
    deadlines: Deadlines,
    step: usize,
    verified: usize,
    claims: Vec<String>,
}

impl<'a> Story<'a> {
    /// Tells on `stage`; the kernel may take as long as `deadlines` allows to bear a claim out.
    pub fn new(stage: &'a mut dyn Stage, deadlines: Deadlines) -> Story<'a> {
        Story { stage, deadlines, step: 0, verified: 0, claims: Vec::new() }
    }

    /// The deadlines in force.
    #[must_use]
    pub fn deadlines(&self) -> Deadlines {
        self.deadlines
    }

    /// The name of the story, and what it is about.
    ///
    /// # Errors
    /// As [`tell`](Story::tell).
    pub fn open(&mut self, name: &str, about: &str) -> check::Result {
        self.stage.play(Event::Opened { name, about })
    }

    /// Ends the step before and begins one with the heading `title`.
    ///
    /// # Errors
    /// As [`tell`](Story::tell).
    pub fn step(&mut self, title: &str) -> check::Result {
        self.list_claims()?;
        self.step += 1;
        self.stage.play(Event::Step { number: self.step, title })
    }

    /// A paragraph.
    ///
    /// # Errors
    /// Interrupted where nobody reads any more.
    pub fn tell(&mut self, text: &str) -> check::Result {
        self.list_claims()?;
        self.stage.play(Event::Told(text))
    }

    /// A picture, and what has been verified since the last one.
    ///
    /// # Errors
    /// As [`tell`](Story::tell).
    pub fn show(&mut self, picture: &Picture) -> check::Result {
        self.stage.play(Event::Shown(picture))?;
        self.list_claims()
    }

    /// Lines that are already set as they are to be seen.
    ///
    /// # Errors
    /// As [`tell`](Story::tell).
    pub fn show_lines(&mut self, lines: &[String]) -> check::Result {
        self.stage.play(Event::Lines(lines))?;
        self.list_claims()
    }

    /// Takes pictures of `cast` until one bears out `claim`.
    ///
    /// # Errors
    /// A failure with the last picture, where none does in time; unsupported where there are none to take.
    pub fn observe(
        &mut self,
        cast: &[Actor],
        claim: impl Into<String>,
        is_so: impl Fn(&Picture) -> bool,
    ) -> check::Result<Picture> {
        let mut last = String::new();
        let found = until(self.deadlines().no_progress(), || {
            let picture = Picture::take(cast)?;
            if is_so(&picture) {
                return Ok(Some(picture));
            }
            last = picture.to_string();
            Ok(None)
        })?;
        self.claim(claim, found.is_some(), last)?;
        found.ok_or_else(|| Finding::broken("a picture", "none was taken"))
    }

    /// Waits until the main thread of `pid` sleeps in a kernel function named like `place`. Where the system
    /// does not tell, nothing is claimed.
    ///
    /// # Errors
    /// A failure where it sleeps elsewhere, or not at all.
    pub fn observe_sleep(&mut self, pid: Pid, place: &str, claim: &str) -> check::Result {
        if !sleepers_are_shown() {
            return Ok(());
        }
        let mut last = None;
        let found = until(self.deadlines().no_progress(), || {
            last = sys::wait_channel(pid);
            Ok(last.as_ref().filter(|last| last.contains(place)).cloned())
        })?;
        let seen = last.map_or("not blocked".into(), |last| format!("blocked in {last}"));
        self.claim(claim, found.is_some(), format!("process {pid} is {seen}"))
    }

    /// Waits until a signal has stopped `pid`.
    ///
    /// # Errors
    /// A failure where none has; unsupported where the system does not list processes.
    pub fn observe_stop(&mut self, pid: Pid, claim: &str) -> check::Result {
        let stopped = until(self.deadlines().no_progress(), || {
            let processes = sys::processes().map_err(|error| unseen("a list of processes", &error))?;
            Ok(processes.iter().any(|process| process.pid == pid && process.stopped).then_some(()))
        })?;
        self.claim(claim, stopped.is_some(), format!("process {pid} is not stopped"))
    }

    /// Lists `claim` among what was verified, if it holds.
    ///
    /// # Errors
    /// A failure that names the claim and what was `seen` instead.
    pub fn claim(&mut self, claim: impl Into<String>, holds: bool, seen: impl Display) -> check::Result {
        let claim = claim.into();
        if !holds {
            return Err(Finding::fail(claim, seen.to_string()));
        }
        self.verified += 1;
        self.claims.push(claim);
        Ok(())
    }

    /// Lists `claim` among what was verified, if `proof` found nothing wrong.
    ///
    /// # Errors
    /// The finding of `proof`, with the claim as its reason.
    pub fn proven<T>(&mut self, claim: impl Into<String>, proof: check::Result<T>) -> check::Result<T> {
        let claim = claim.into();
        let value = proof.map_err(|finding| finding.because(format!("the demo claims: {claim}")))?;
        self.claim(claim, true, "")?;
        Ok(value)
    }

    /// Ends the last step and says how much of the story was verified.
    ///
    /// # Errors
    /// As [`tell`](Story::tell).
    pub fn close(&mut self) -> check::Result {
        self.list_claims()?;
        self.stage.play(Event::Closed { verified: self.verified })
    }

    fn list_claims(&mut self) -> check::Result {
        if self.claims.is_empty() {
            return Ok(());
        }
        let claims = std::mem::take(&mut self.claims);
        self.stage.play(Event::Verified(&claims))
    }
}

/// Whether this system tells where processes sleep: then at least one is seen to, at any time.
fn sleepers_are_shown() -> bool {
    let processes = sys::processes().unwrap_or_default();
    processes.iter().any(|process| sys::wait_channel(process.pid).is_some())
}

#[cfg(test)]
mod tests {
    use super::super::terminal::Terminal;
    use super::*;

    #[test]
    fn a_false_claim_ends_the_story_and_is_named() {
        let mut out = Vec::new();
        let mut terminal = Terminal::new(&mut out, Manner::default());
        let mut story = Story::new(&mut terminal, Deadlines::default());
        let finding = story.claim("water is dry", false, "wet").unwrap_err();
        assert_eq!((finding.expected.as_str(), finding.actual.as_str()), ("water is dry", "wet"));
    }
}
