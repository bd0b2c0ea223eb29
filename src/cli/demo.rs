//! `echospec demo`: a story about one mechanism, told from live kernel state.

use std::io::{self, IsTerminal};
use std::process::ExitCode;

use clap::builder::PossibleValuesParser;

use super::{exit, interrupt};
use crate::demo::draw::Look;
use crate::demo::story::Manner;
use crate::demo::{DEMOS, Demo};
use crate::patience::Patience;
use crate::verdict::{Finding, Outcome};

/// What to tell, and how.
#[derive(Debug, clap::Args)]
#[command(after_help = list())]
pub struct Args {
    /// Which story to tell.
    #[arg(value_parser = PossibleValuesParser::new(DEMOS.iter().map(|demo| demo.name)))]
    name: String,

    /// Wait for Enter before each step, if standard input is a terminal.
    #[arg(long)]
    step: bool,

    /// Draw in plain ASCII instead of box-drawing characters.
    #[arg(long)]
    ascii: bool,
}

fn list() -> String {
    let lines = DEMOS.iter().map(|demo| format!("  {:<12} {}", demo.name, demo.says));
    format!("Demos:\n{}", lines.collect::<Vec<_>>().join("\n"))
}

/// Tells one demo on standard output.
///
/// # Errors
/// Where the signals that interrupt it cannot be watched.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let demo = Demo::named(&args.name).ok_or_else(|| anyhow::anyhow!("no demo is called '{}'", args.name))?;
    let manner = Manner {
        look: Look { ascii: args.ascii },
        pauses: args.step && io::stdin().is_terminal(),
        patience: Patience::default(),
    };
    interrupt::watch()?;
    let told = demo.tell(&mut anstream::stdout(), manner);
    Ok(ExitCode::from(told.map_or_else(|finding| end(demo, &finding), |()| exit::OK)))
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
