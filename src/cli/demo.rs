//! `echospec demo`: demonstrates one mechanism, drawn from live kernel state.

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
use crate::demo::{self, DEMOS, Demo, SvgDocument, TerminalOptions, TerminalRenderer};
use crate::diagram::text::Charset;
use crate::outcome::Outcome;

#[derive(Debug, clap::Args)]
#[command(after_help = list())]
pub struct Args {
    /// The demo to run. Without a name, all demos are listed.
    #[arg(value_parser = PossibleValuesParser::new(DEMOS.iter().map(|demo| demo.name)), hide_possible_values = true)]
    name: Option<String>,

    /// Wait for Enter before each step, if standard input is a terminal.
    #[arg(long)]
    step: bool,

    /// Draw in plain ASCII instead of box-drawing characters.
    #[arg(long)]
    ascii: bool,

    /// Write the demo to FILE as one SVG picture instead of printing it. `-` is standard output.
    #[arg(long, value_name = "FILE", requires = "name", conflicts_with_all = ["step", "ascii"])]
    svg: Option<PathBuf>,
}

fn list() -> String {
    let longest = DEMOS.iter().map(|demo| demo.name.len()).max().unwrap_or_default();
    let lines = DEMOS.iter().map(|demo| format!("  {:<longest$}  {}", demo.name, demo.summary));
    format!("Demos:\n{}", lines.collect::<Vec<_>>().join("\n"))
}

/// Prints a demo on standard output, or writes it to a file as a picture.
///
/// # Errors
/// Signal handlers cannot be installed, or the file cannot be written.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let Some(name) = &args.name else {
        writeln!(anstream::stdout(), "{}\n\n`echospec demo NAME` runs one.", list())?;
        return Ok(ExitCode::from(exit::ALL_AS_EXPECTED));
    };
    let demo = demo::find_demo(name).ok_or_else(|| anyhow::anyhow!("there is no demo '{name}'"))?;
    interrupt::watch_signals()?;
    let result = match &args.svg {
        Some(file) => write_svg(demo, file)?,
        None => print(demo, args),
    };
    Ok(ExitCode::from(
        result.map_or_else(|finding| report_failure(demo, &finding), |()| exit::ALL_AS_EXPECTED),
    ))
}

fn print(demo: &Demo, args: &Args) -> check::Result {
    let options = TerminalOptions {
        charset: if args.ascii { Charset::Ascii } else { Charset::Unicode },
        pauses: args.step && io::stdin().is_terminal(),
    };
    demo.run(&mut TerminalRenderer::new(&mut anstream::stdout(), options), Deadlines::default())
}

/// Writes the SVG picture of a demo to a file. Writes nothing if the demo fails.
fn write_svg(demo: &Demo, file: &Path) -> anyhow::Result<check::Result> {
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

/// Prints why a demo ended early, and returns the exit code.
fn report_failure(demo: &Demo, finding: &Finding) -> u8 {
    let Finding { outcome, expected, actual, reason, .. } = finding;
    if let Some(signal) = interrupt::received_signal() {
        return exit::SIGNAL_BASE + u8::try_from(signal).unwrap_or_default();
    }
    let (code, problem) = match outcome {
        // The reader has closed the pipe, as in `echospec demo pipe | head`.
        Outcome::Skipped => return exit::ALL_AS_EXPECTED,
        Outcome::Unsupported => (exit::HARNESS_FAILED, "is not supported by this system"),
        Outcome::Broken => (exit::HARNESS_FAILED, "could not be set up"),
        _ => (exit::CHECK_FAILED, "makes a claim that does not hold on this system"),
    };
    anstream::eprintln!("\nechospec: the demo '{}' {problem}", demo.name);
    for (name, text) in [("expected", expected), ("actual", actual), ("because", reason)] {
        if !text.is_empty() {
            anstream::eprintln!("  {name:<9} {}", text.replace('\n', "\n            "));
        }
    }
    code
}
