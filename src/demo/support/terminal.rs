//! Renders a demo as text in a terminal.

use std::fmt::Display;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use nix::poll::{PollFd, PollFlags};

use super::renderer::{Block, Renderer};
use crate::check::{self, Finding, OrFinding};
use crate::deadline::{WaitOutcome, wait};
use crate::diagram::text::{Charset, MAX_WIDTH, draw, wrap};
use crate::text::count_with_noun;

/// Prints a demo to a terminal, with escape sequences for colours.
pub struct TerminalRenderer<'a> {
    out: &'a mut dyn Write,
    options: TerminalOptions,
}

/// Options for printing a demo to a terminal.
#[derive(Debug, Clone, Copy, Default)]
pub struct TerminalOptions {
    /// The characters that diagrams are drawn with.
    pub charset: Charset,
    /// Whether a demo waits for Enter on standard input before each step.
    pub pauses: bool,
}

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const CHECK_MARK: Style = AnsiColor::Green.on_default();

impl<'a> TerminalRenderer<'a> {
    /// Creates a renderer that prints a demo to `out`.
    pub fn new(out: &'a mut dyn Write, options: TerminalOptions) -> TerminalRenderer<'a> {
        TerminalRenderer { out, options }
    }

    fn is_ascii(&self) -> bool {
        self.options.charset == Charset::Ascii
    }

    fn begin_step(&mut self, number: usize, title: &str) -> check::Result {
        if number > 1 {
            self.pause()?;
        }
        let rule = if self.is_ascii() { "-" } else { "─" };
        let rest = rule.repeat(MAX_WIDTH.saturating_sub(format!("-- {number}. {title} ").chars().count()));
        self.print(format_args!("{BOLD}{rule}{rule} {number}. {title} {rest}{BOLD:#}\n\n"))
    }

    fn print_paragraph(&mut self, text: &str) -> check::Result {
        for line in wrap(text, MAX_WIDTH) {
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
        let mark = if self.is_ascii() { "ok" } else { "✓" };
        for claim in claims {
            let mut lines = wrap(claim, MAX_WIDTH - 5).into_iter();
            let first = lines.next().unwrap_or_default();
            self.print(format_args!("  {CHECK_MARK}{mark}{CHECK_MARK:#} {first}\n"))?;
            for line in lines {
                self.print(format_args!("  {:width$} {line}\n", "", width = mark.chars().count()))?;
            }
        }
        self.print("\n")
    }

    fn pause(&mut self) -> check::Result {
        if !self.options.pauses {
            return Ok(());
        }
        self.print(format_args!("{DIM}Enter for the next step{DIM:#} "))?;
        self.out.flush().map_err(|error| write_failed(&error))?;
        self.options.pauses = wait_for_enter()?;
        Ok(())
    }

    fn print(&mut self, text: impl Display) -> check::Result {
        write!(self.out, "{text}").map_err(|error| write_failed(&error))
    }
}

impl Renderer for TerminalRenderer<'_> {
    fn render(&mut self, block: Block<'_>) -> check::Result {
        match block {
            Block::Title { name, summary } => {
                self.print(format_args!("{BOLD}{name}{BOLD:#}: {summary}.\n\n"))
            }
            Block::Heading { number, title } => self.begin_step(number, title),
            Block::Paragraph(text) => self.print_paragraph(text),
            Block::Diagram(snapshot) => {
                let drawing = draw(snapshot, self.options.charset);
                self.print(format_args!("{drawing}\n"))
            }
            Block::Lines(lines) => self.print_lines(lines),
            Block::Claims(claims) => self.print_claims(claims),
            Block::End { verified } => {
                let claims = count_with_noun(verified, "claim");
                self.print(format_args!("{DIM}{claims} verified on this machine, just now.{DIM:#}\n"))
            }
        }
    }
}

/// Converts the error of writing a demo into a finding. A reader that has seen enough is no failure: `echospec demo
/// pipe | head`.
fn write_failed(error: &io::Error) -> Finding {
    match error.kind() {
        io::ErrorKind::BrokenPipe => Finding::interrupted().because("the reader of standard output has gone"),
        _ => Finding::broken("the demo written to standard output", error.to_string()),
    }
}

/// Waits until the user presses Enter, before a demo continues. Returns false at the end of standard input: then the
/// demo no longer pauses.
fn wait_for_enter() -> check::Result<bool> {
    const SLICE: Duration = Duration::from_secs(60);
    let stdin = io::stdin();
    // Not `read_line` alone: it would not notice that the user has interrupted the run.
    while wait(&mut [PollFd::new(stdin.as_fd(), PollFlags::POLLIN)], SLICE)? == WaitOutcome::Elapsed {}
    let length = stdin.read_line(&mut String::new());
    Ok(length.or_broken("a line from standard input")? > 0)
}
