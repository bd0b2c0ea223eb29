//! The narrator: prints a demo step by step, pauses, and lets nothing be told that is not so.

use std::fmt::Display;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use nix::poll::{PollFd, PollFlags};
use nix::unistd::Pid;

use super::draw::{Look, WIDTH, draw};
use super::picture::{Actor, Picture, unseen};
use crate::os;
use crate::patience::{Patience, Waited, until, wait};
use crate::verdict::{Finding, Verdict, count};

/// How a story is to be told.
#[derive(Debug, Clone, Copy, Default)]
pub struct Manner {
    /// How pictures look.
    pub look: Look,
    /// Wait for Enter on standard input before each step.
    pub pauses: bool,
    /// How long the kernel may take to bear a claim out.
    pub patience: Patience,
}

/// A story being told.
///
/// Whatever is claimed is verified first, against the kernel or the bytes that came back. A false claim
/// ends the story with a [`Finding`] that names what was expected; those that hold are listed where
/// they were verified.
pub struct Story<'a> {
    out: &'a mut dyn Write,
    manner: Manner,
    step: usize,
    verified: usize,
    claims: Vec<String>,
}

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const HOLDS: Style = AnsiColor::Green.on_default();

impl<'a> Story<'a> {
    /// Tells to `out`, with escape sequences for colours.
    pub fn new(out: &'a mut dyn Write, manner: Manner) -> Story<'a> {
        Story { out, manner, step: 0, verified: 0, claims: Vec::new() }
    }

    /// The deadlines in force.
    #[must_use]
    pub fn patience(&self) -> Patience {
        self.manner.patience
    }

    /// The name of the story, and what it is about.
    ///
    /// # Errors
    /// As [`tell`](Story::tell).
    pub fn open(&mut self, name: &str, about: &str) -> Verdict {
        self.print(format_args!("{BOLD}{name}{BOLD:#}: {about}.\n\n"))
    }

    /// Ends the step before and begins one with the heading `title`.
    ///
    /// # Errors
    /// As [`tell`](Story::tell).
    pub fn step(&mut self, title: &str) -> Verdict {
        self.list_claims()?;
        if self.step > 0 {
            self.pause()?;
        }
        self.step += 1;
        let number = self.step;
        let rule = if self.manner.look.ascii { "-" } else { "─" };
        let rest = rule.repeat(WIDTH.saturating_sub(format!("-- {number}. {title} ").chars().count()));
        self.print(format_args!("{BOLD}{rule}{rule} {number}. {title} {rest}{BOLD:#}\n\n"))
    }

    /// A paragraph.
    ///
    /// # Errors
    /// Interrupted where nobody reads any more.
    pub fn tell(&mut self, text: &str) -> Verdict {
        self.list_claims()?;
        for line in wrap(text, WIDTH) {
            self.print(format_args!("{line}\n"))?;
        }
        self.print("\n")
    }

    /// A picture, and what has been verified since the last one.
    ///
    /// # Errors
    /// As [`tell`](Story::tell).
    pub fn show(&mut self, picture: &Picture) -> Verdict {
        let drawing = draw(picture, self.manner.look);
        self.print(format_args!("{drawing}\n"))?;
        self.list_claims()
    }

    /// Lines that are already set as they are to be seen.
    ///
    /// # Errors
    /// As [`tell`](Story::tell).
    pub fn show_lines(&mut self, lines: &[String]) -> Verdict {
        for line in lines {
            self.print(format_args!("  {line}\n"))?;
        }
        self.print("\n")?;
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
    ) -> Verdict<Picture> {
        let mut last = String::new();
        let found = until(self.patience().progress(), || {
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
    pub fn observe_sleep(&mut self, pid: Pid, place: &str, claim: &str) -> Verdict {
        if !sleepers_are_shown() {
            return Ok(());
        }
        let mut last = None;
        let found = until(self.patience().progress(), || {
            last = os::blocked_in(pid);
            Ok(last.as_ref().filter(|last| last.contains(place)).cloned())
        })?;
        let seen = last.map_or("not blocked".into(), |last| format!("blocked in {last}"));
        self.claim(claim, found.is_some(), format!("process {pid} is {seen}"))
    }

    /// Waits until a signal has stopped `pid`.
    ///
    /// # Errors
    /// A failure where none has; unsupported where the system does not list processes.
    pub fn observe_stop(&mut self, pid: Pid, claim: &str) -> Verdict {
        let stopped = until(self.patience().progress(), || {
            let processes = os::processes().map_err(|error| unseen("a list of processes", &error))?;
            Ok(processes.iter().any(|process| process.pid == pid && process.stopped).then_some(()))
        })?;
        self.claim(claim, stopped.is_some(), format!("process {pid} is not stopped"))
    }

    /// Lists `claim` among what was verified, if it holds.
    ///
    /// # Errors
    /// A failure that names the claim and what was `seen` instead.
    pub fn claim(&mut self, claim: impl Into<String>, holds: bool, seen: impl Display) -> Verdict {
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
    pub fn proven<T>(&mut self, claim: impl Into<String>, proof: Verdict<T>) -> Verdict<T> {
        let claim = claim.into();
        let value = proof.map_err(|finding| finding.because(format!("the demo claims: {claim}")))?;
        self.claim(claim, true, "")?;
        Ok(value)
    }

    /// Ends the last step and says how much of the story was verified.
    ///
    /// # Errors
    /// As [`tell`](Story::tell).
    pub fn close(&mut self) -> Verdict {
        self.list_claims()?;
        let claims = count(self.verified, "claim");
        self.print(format_args!("{DIM}{claims} verified on this machine, just now.{DIM:#}\n"))
    }

    fn list_claims(&mut self) -> Verdict {
        if self.claims.is_empty() {
            return Ok(());
        }
        let mark = if self.manner.look.ascii { "ok" } else { "✓" };
        for claim in std::mem::take(&mut self.claims) {
            let mut lines = wrap(&claim, WIDTH - 5).into_iter();
            let first = lines.next().unwrap_or_default();
            self.print(format_args!("  {HOLDS}{mark}{HOLDS:#} {first}\n"))?;
            for line in lines {
                self.print(format_args!("  {:width$} {line}\n", "", width = mark.chars().count()))?;
            }
        }
        self.print("\n")
    }

    fn pause(&mut self) -> Verdict {
        if !self.manner.pauses {
            return Ok(());
        }
        self.print(format_args!("{DIM}Enter for the next step{DIM:#} "))?;
        self.out.flush().map_err(|error| unheard(&error))?;
        self.manner.pauses = await_enter()?;
        Ok(())
    }

    fn print(&mut self, text: impl Display) -> Verdict {
        write!(self.out, "{text}").map_err(|error| unheard(&error))
    }
}

/// Whether this system tells where processes sleep: then at least one is seen to, at any time.
fn sleepers_are_shown() -> bool {
    let processes = os::processes().unwrap_or_default();
    processes.iter().any(|process| os::blocked_in(process.pid).is_some())
}

/// Whoever read the story has seen enough: that is no failure.
fn unheard(error: &io::Error) -> Finding {
    match error.kind() {
        io::ErrorKind::BrokenPipe => Finding::interrupted().because("nobody reads on"),
        _ => Finding::broken("the story written to standard output", error.to_string()),
    }
}

/// False once standard input has ended: then there is nobody to wait for.
fn await_enter() -> Verdict<bool> {
    const GLANCE: Duration = Duration::from_secs(60);
    let stdin = io::stdin();
    // Not `read_line` alone: it would not notice that the user has interrupted the run.
    while wait(&mut [PollFd::new(stdin.as_fd(), PollFlags::POLLIN)], GLANCE)? == Waited::Elapsed {}
    let length = stdin.read_line(&mut String::new());
    Ok(length.map_err(|error| Finding::broken("a line from standard input", error.to_string()))? > 0)
}

/// Breaks `text` between words into lines of at most `width` characters.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last().map_or(0, |line| line.chars().count());
        if line > 0 && line + 1 + word.chars().count() > width {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            let space = if line.is_empty() { "" } else { " " };
            line.push_str(space);
            line.push_str(word);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words_and_no_word_is_lost() {
        assert_eq!(wrap("one two  three\n four", 9), ["one two", "three", "four"]);
        assert_eq!(wrap("unbreakable", 4), ["unbreakable"]);
    }

    #[test]
    fn a_false_claim_ends_the_story_and_is_named() {
        let mut out = Vec::new();
        let finding =
            Story::new(&mut out, Manner::default()).claim("water is dry", false, "wet").unwrap_err();
        assert_eq!((finding.expected.as_str(), finding.actual.as_str()), ("water is dry", "wet"));
    }
}
