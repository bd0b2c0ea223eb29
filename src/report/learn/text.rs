//! Writes the learner's report on a terminal.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use super::steps::{Step, Task, steps};
use super::words::words_in;
use crate::diagram::text::wrap;
use crate::report::marked::{excerpts, shown_length};
use crate::report::record::{CheckFinished, ServerRecord};
use crate::transport::Transport;

/// The width of lines in a learner's report.
const WIDTH: usize = 100;

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();

/// The learner's report about one server.
#[derive(Debug, Clone, Copy)]
pub struct LearnReport {
    /// The mechanism by which clients reach the learner's server.
    pub transport: &'static Transport,
    /// The number of steps that apply to the learner's server.
    pub steps: usize,
}

impl LearnReport {
    /// Writes the heading of a learner's report.
    ///
    /// # Errors
    /// Those of writing.
    pub fn write_heading(self, out: &mut dyn Write, server: &ServerRecord) -> io::Result<()> {
        let ServerRecord { transport, command, .. } = server;
        writeln!(out, "{BOLD}{transport}{BOLD:#}  {command}  {DIM}{} steps{DIM:#}\n", self.steps)
    }

    /// Writes the line of a step that the learner's server has passed.
    ///
    /// # Errors
    /// Those of writing.
    pub fn write_passed(self, out: &mut dyn Write, number: usize, step: &Step) -> io::Result<()> {
        writeln!(out, "{number:>4}  {GOOD}done{GOOD:#}     {}", step.title)
    }

    /// Writes the lines of a step that could not be tried with the learner's server, and the reason.
    ///
    /// # Errors
    /// Those of writing.
    pub fn write_untried(
        self,
        out: &mut dyn Write,
        number: usize,
        step: &Step,
        reason: &str,
    ) -> io::Result<()> {
        writeln!(out, "{number:>4}  {DIM}left out{DIM:#} {}", step.title)?;
        write_indented(out, reason, 15)
    }

    /// Writes the explanation of a step that the learner's server does not pass, because it fails the check of `task`.
    ///
    /// # Errors
    /// Those of writing.
    pub fn write_failed(
        self,
        out: &mut dyn Write,
        number: usize,
        step: &Step,
        task: &Task,
        check: &CheckFinished,
    ) -> io::Result<()> {
        self.write_idea(out, number, step)?;
        write_title(out, "The task")?;
        write_indented(out, &sentence(&check.sentence), 2)?;
        write_title(out, "The result")?;
        write_field(out, "expected", &check.expected)?;
        write_field(out, "actual", &check.actual)?;
        write_field(out, "cause", &check.reason)?;
        write_field(out, "printed", &check.server_output.join("\n"))?;
        write_comparison(out, &check.actual)?;
        write_title(out, "Why it matters")?;
        write_indented(out, &sentence(&check.why), 2)?;
        write_title(out, "How to see it by hand")?;
        check.recipe.split("; ").try_for_each(|it| write_item(out, it))?;
        write_title(out, "A hint")?;
        write_indented(out, task.hint, 2)?;
        let text = [&check.sentence, &check.expected, &check.actual, &check.reason, &check.recipe, task.hint];
        write_words(out, &text.concat())?;
        write_title(out, "Next")?;
        let id = &check.check;
        self.write_commands(
            out,
            &[
                ("watch the idea at work", format!("echospec demo {}", step.demo(self.transport))),
                ("read about this check", format!("echospec explain {id}")),
                ("repeat this check alone", check.again.clone()),
                ("leave this check out", format!("--skip {id}, with the same command")),
            ],
        )
    }

    /// Writes the explanation of the first step, which the learner's server does not pass because of `error`.
    ///
    /// # Errors
    /// Those of writing.
    pub fn write_not_launched(
        self,
        out: &mut dyn Write,
        step: &Step,
        error: &str,
        hint: &str,
    ) -> io::Result<()> {
        self.write_idea(out, 1, step)?;
        write_title(out, "The result")?;
        write_indented(out, error, 2)?;
        write_title(out, "A hint")?;
        write_indented(out, hint, 2)?;
        write_words(out, &[step.idea, error, hint].concat())?;
        write_title(out, "Next")?;
        let demo = format!("echospec demo {}", step.demo(self.transport));
        self.write_commands(out, &[("watch the idea at work", demo)])
    }

    /// Writes the end of a learner's report about a server that has passed all steps: the ideas, and what to do next.
    ///
    /// # Errors
    /// Those of writing.
    pub fn write_all_passed(self, out: &mut dyn Write, passed: &[&Step], check: &str) -> io::Result<()> {
        writeln!(out, "\n{GOOD}All steps are done.{GOOD:#} This is what your server knows:\n")?;
        passed.iter().try_for_each(|step| write_item(out, step.idea))?;
        let demos: Vec<_> = passed.iter().map(|step| step.demo(self.transport)).collect();
        let is_new = |step: &&Step| !demos.contains(&step.demo(self.transport));
        let demo = steps().find(is_new).map_or("udp", |step| step.demo(self.transport));
        write_title(out, "Next")?;
        self.write_commands(
            out,
            &[
                ("check everything else", check.to_owned()),
                ("measure what it costs", "echospec compare --help".into()),
                ("see another mechanism", format!("echospec demo {demo}")),
            ],
        )
    }

    fn write_idea(self, out: &mut dyn Write, number: usize, step: &Step) -> io::Result<()> {
        writeln!(out, "{number:>4}  {BAD}not yet{BAD:#}  {}", step.title)?;
        let steps = self.steps;
        writeln!(out, "\n{BOLD}Step {number} of {steps}: {}{BOLD:#}", step.title)?;
        write_indented(out, step.idea, 2)
    }

    fn write_commands(self, out: &mut dyn Write, commands: &[(&str, String)]) -> io::Result<()> {
        commands.iter().try_for_each(|(purpose, command)| writeln!(out, "  {purpose:<24} {command}"))
    }
}

fn write_title(out: &mut dyn Write, title: &str) -> io::Result<()> {
    writeln!(out, "\n{BOLD}{title}{BOLD:#}")
}

/// Writes `text`, wrapped, with each line indented by `indent` columns.
fn write_indented(out: &mut dyn Write, text: &str, indent: usize) -> io::Result<()> {
    let lines = text.lines().flat_map(|line| wrap(line, WIDTH - indent));
    lines.into_iter().try_for_each(|line| writeln!(out, "{:indent$}{line}", ""))
}

/// Writes `text` as an item of a list.
fn write_item(out: &mut dyn Write, text: &str) -> io::Result<()> {
    let mut marks = ["- "].into_iter().chain(std::iter::repeat("  "));
    let lines = wrap(text, WIDTH - 4);
    lines.iter().zip(&mut marks).try_for_each(|(line, mark)| writeln!(out, "  {mark}{line}"))
}

/// Returns `text` with a capital letter and a full stop.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}

fn write_field(out: &mut dyn Write, name: &str, text: &str) -> io::Result<()> {
    if text.is_empty() {
        return Ok(());
    }
    let mut names = [name].into_iter().chain(std::iter::repeat(""));
    let lines = text.trim_end().lines().flat_map(|line| wrap(line, WIDTH - 12));
    lines.zip(&mut names).try_for_each(|(line, name)| writeln!(out, "  {DIM}{name:<9}{DIM:#} {line}"))
}

/// Writes the expected and the received bytes below each other, with a caret at the first difference, if `actual`
/// quotes both.
fn write_comparison(out: &mut dyn Write, actual: &str) -> io::Result<()> {
    let Some((offset, received, expected)) = excerpts(actual) else { return Ok(()) };
    writeln!(out, "\n  {DIM}from byte {offset} on{DIM:#}")?;
    let carets = "^".repeat(shown_length(received).max(shown_length(expected)).max(1));
    writeln!(out, "  expected   {expected}")?;
    writeln!(out, "  received   {received}")?;
    writeln!(out, "             {BAD} {carets} the first difference{BAD:#}")
}

fn write_words(out: &mut dyn Write, text: &str) -> io::Result<()> {
    let words: Vec<_> = words_in(text).collect();
    if words.is_empty() {
        return Ok(());
    }
    write_title(out, "Words")?;
    words.iter().try_for_each(|(term, meaning)| write_item(out, &format!("{term}: {meaning}")))
}
