//! `echospec demo`: a story about one mechanism, told from live kernel state.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::builder::PossibleValuesParser;

use super::{exit, interrupt};
use crate::check::{self, Finding};
use crate::deadline::Deadlines;
use crate::demo::{self, DEMOS, Demo, Options, SvgDocument, Terminal};
use crate::diagram::text::Charset;
use crate::outcome::Outcome;

/// What to tell, and how.
#[derive(Debug, clap::Args)]
#[command(after_help = list())]
pub struct Args {
    /// Which story to tell; without one, the stories are listed.
    #[arg(value_parser = PossibleValuesParser::new(DEMOS.iter().map(|demo| demo.name)), hide_possible_values = true)]
    name: Option<String>,

    /// Wait for Enter before each step, if standard input is a terminal.
    #[arg(long)]
    step: bool,

    /// Draw in plain ASCII instead of box-drawing characters.
    #[arg(long)]
    ascii: bool,

    /// Draw the whole story as one SVG picture into FILE (- for standard output) instead of telling it here.
    #[arg(long, value_name = "FILE", requires = "name", conflicts_with_all = ["step", "ascii"])]
    svg: Option<PathBuf>,
}

fn list() -> String {
    let longest = DEMOS.iter().map(|demo| demo.name.len()).max().unwrap_or_default();
    let lines = DEMOS.iter().map(|demo| format!("  {:<longest$}  {}", demo.name, demo.says));
    format!("Demos:\n{}", lines.collect::<Vec<_>>().join("\n"))
}

/// Tells one demo on standard output, or draws it into a file.
///
/// # Errors
/// Where the signals that interrupt it cannot be watched, or the file cannot be written.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let Some(name) = &args.name else {
        writeln!(anstream::stdout(), "{}\n\n`echospec demo NAME` tells one.", list())?;
        return Ok(ExitCode::from(exit::OK));
    };
    let demo = demo::find(name).ok_or_else(|| anyhow::anyhow!("no demo is called '{name}'"))?;
    interrupt::watch()?;
    let result = match &args.svg {
        Some(file) => draw(demo, file)?,
        None => print(demo, args),
    };
    Ok(ExitCode::from(result.map_or_else(|finding| end(demo, &finding), |()| exit::OK)))
}

fn print(demo: &Demo, args: &Args) -> check::Result {
    let options = Options {
        charset: if args.ascii { Charset::Ascii } else { Charset::Unicode },
        pauses: args.step && io::stdin().is_terminal(),
    };
    demo.run(&mut Terminal::new(&mut anstream::stdout(), options), Deadlines::default())
}

/// Writes the picture, unless the demo fails.
fn draw(demo: &Demo, file: &Path) -> anyhow::Result<check::Result> {
    let mut document = SvgDocument::default();
    let result = demo.run(&mut document, Deadlines::default());
    if result.is_err() {
        return Ok(result);
    }
    if file == OsStr::new("-") {
        io::stdout().write_all(document.finish().as_bytes())?;
    } else {
        fs::write(file, document.finish()).with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(result)
}

/// Says why the story ended before its end; the exit code for that.
fn end(demo: &Demo, finding: &Finding) -> u8 {
    let Finding { outcome, expected, actual, reason, .. } = finding;
    if let Some(signal) = interrupt::received() {
        return exit::SIGNAL + u8::try_from(signal).unwrap_or_default();
    }
    let (code, complaint) = match outcome {
        // Whoever was reading has seen enough: `echospec demo pipe | head`.
        Outcome::Skipped => return exit::OK,
        Outcome::Unsupported => (exit::HARNESS, "cannot be shown here"),
        Outcome::Broken => (exit::HARNESS, "could not be staged"),
        _ => (exit::FAILED, "claims what is not so here"),
    };
    anstream::eprintln!("\nechospec: the demo '{}' {complaint}", demo.name);
    for (name, text) in [("expected", expected), ("actual", actual), ("because", reason)] {
        if !text.is_empty() {
            anstream::eprintln!("  {name:<9} {}", text.replace('\n', "\n            "));
        }
    }
    code
}
