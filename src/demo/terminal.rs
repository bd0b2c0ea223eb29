//! A story as text in a terminal, with pauses between its steps.

use std::fmt::Display;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use nix::poll::{PollFd, PollFlags};

use super::draw::{WIDTH, draw};
use super::stage::{Event, Stage};
use super::story::Manner;
use crate::check::{self, Finding, OrFinding};
use crate::deadline::{Waited, wait};
use crate::text::count;

/// Prints a story, with escape sequences for colours.
pub struct Terminal<'a> {
    out: &'a mut dyn Write,
    manner: Manner,
}

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const HOLDS: Style = AnsiColor::Green.on_default();

impl<'a> Terminal<'a> {
    /// Prints to `out`.
    pub fn new(out: &'a mut dyn Write, manner: Manner) -> Terminal<'a> {
        Terminal { out, manner }
    }

    fn begin_step(&mut self, number: usize, title: &str) -> check::Result {
        if number > 1 {
            self.pause()?;
        }
        let rule = if self.manner.look.ascii { "-" } else { "─" };
        let rest = rule.repeat(WIDTH.saturating_sub(format!("-- {number}. {title} ").chars().count()));
        self.print(format_args!("{BOLD}{rule}{rule} {number}. {title} {rest}{BOLD:#}\n\n"))
    }

    fn print_paragraph(&mut self, text: &str) -> check::Result {
        for line in wrap(text, WIDTH) {
            self.print(format_args!("{line}\n"))?;
        }
        self.print("\n")
    }

    fn print_lines(&mut self, lines: &[String]) -> check::Result {
        for line in lines {
            self.print(format_args!("  {line}\n"))?;
        }
        self.print("\n")
    }

    fn print_claims(&mut self, claims: &[String]) -> check::Result {
        let mark = if self.manner.look.ascii { "ok" } else { "✓" };
        for claim in claims {
            let mut lines = wrap(claim, WIDTH - 5).into_iter();
            let first = lines.next().unwrap_or_default();
            self.print(format_args!("  {HOLDS}{mark}{HOLDS:#} {first}\n"))?;
            for line in lines {
                self.print(format_args!("  {:width$} {line}\n", "", width = mark.chars().count()))?;
            }
        }
        self.print("\n")
    }

    fn pause(&mut self) -> check::Result {
        if !self.manner.pauses {
            return Ok(());
        }
        self.print(format_args!("{DIM}Enter for the next step{DIM:#} "))?;
        self.out.flush().map_err(|error| unheard(&error))?;
        self.manner.pauses = await_enter()?;
        Ok(())
    }

    fn print(&mut self, text: impl Display) -> check::Result {
        write!(self.out, "{text}").map_err(|error| unheard(&error))
    }
}

impl Stage for Terminal<'_> {
    fn play(&mut self, event: Event<'_>) -> check::Result {
        match event {
            Event::Opened { name, about } => self.print(format_args!("{BOLD}{name}{BOLD:#}: {about}.\n\n")),
            Event::Step { number, title } => self.begin_step(number, title),
            Event::Told(text) => self.print_paragraph(text),
            Event::Shown(picture) => {
                let drawing = draw(picture, self.manner.look);
                self.print(format_args!("{drawing}\n"))
            }
            Event::Lines(lines) => self.print_lines(lines),
            Event::Verified(claims) => self.print_claims(claims),
            Event::Closed { verified } => {
                let claims = count(verified, "claim");
                self.print(format_args!("{DIM}{claims} verified on this machine, just now.{DIM:#}\n"))
            }
        }
    }
}

/// Whoever read the story has seen enough: that is no failure.
fn unheard(error: &io::Error) -> Finding {
    match error.kind() {
        io::ErrorKind::BrokenPipe => Finding::interrupted().because("nobody reads on"),
        _ => Finding::broken("the story written to standard output", error.to_string()),
    }
}

/// False once standard input has ended: then there is nobody to wait for.
fn await_enter() -> check::Result<bool> {
    const GLANCE: Duration = Duration::from_secs(60);
    let stdin = io::stdin();
    // Not `read_line` alone: it would not notice that the user has interrupted the run.
    while wait(&mut [PollFd::new(stdin.as_fd(), PollFlags::POLLIN)], GLANCE)? == Waited::Elapsed {}
    let length = stdin.read_line(&mut String::new());
    Ok(length.or_broken("a line from standard input")? > 0)
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
    use super::wrap;

    #[test]
    fn lines_break_between_words_and_no_word_is_lost() {
        assert_eq!(wrap("one two  three\n four", 9), ["one two", "three", "four"]);
        assert_eq!(wrap("unbreakable", 4), ["unbreakable"]);
    }
}
