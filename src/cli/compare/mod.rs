//! `echospec compare`: which mechanism, in numbers that hold up.

use std::io;
use std::process::ExitCode;

use super::{CliError, exit, interrupt};
use crate::bench::client;
use crate::bench::compare::{NoComparison, compare};
use crate::bench::comparison::Comparison;
use crate::bench::saved::Saved;
use crate::server::sweep;

mod args;
mod output;
mod plan;
mod progress_bar;
mod values;

pub use args::Args;
use output::Output;
use progress_bar::Bar;

/// Compares, and writes what came of it.
///
/// # Errors
/// A mistake in the arguments, or what keeps the whole from being measured.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    if let Some(name) = &args.from {
        return show(name, args);
    }
    let wish = plan::wish(args)?;
    let output = Output::prepare(args)?;
    interrupt::watch()?;
    let bar = Bar::new();
    let compared = compare(&wish, |progress| bar.show(progress));
    drop(bar);
    sweep();
    let comparison = compared.map_err(refused)?;
    let regressed = output.write(&comparison)?;
    Ok(ExitCode::from(verdict(&comparison, regressed)))
}

/// Shows what was measured before.
fn show(name: &str, args: &Args) -> anyhow::Result<ExitCode> {
    let saved = Saved::named(name).and_then(|saved| saved.load());
    let comparison = saved.map_err(|error| CliError::usage(error.to_string()))?;
    let regressed = Output::prepare(args)?.write(&comparison)?;
    Ok(ExitCode::from(verdict(&comparison, regressed)))
}

/// Is a client, for whoever launched this process.
///
/// # Errors
/// As [`client::serve`].
pub fn serve() -> anyhow::Result<ExitCode> {
    client::serve(io::stdin().lock(), io::stdout().lock())?;
    Ok(ExitCode::from(exit::OK))
}

/// What was asked for and is not to be had is the user's to change.
fn refused(error: NoComparison) -> anyhow::Error {
    match error {
        NoComparison::Placement { .. } => CliError::usage(error.to_string()).into(),
        NoComparison::Server { .. } | NoComparison::Processors(_) => error.into(),
    }
}

fn verdict(comparison: &Comparison, regressed: bool) -> u8 {
    match interrupt::received() {
        Some(signal) => exit::SIGNAL + u8::try_from(signal).unwrap_or_default(),
        None if comparison.cells.iter().any(|cell| cell.fault) => exit::FAILED,
        None if regressed => exit::REGRESSED,
        None if comparison.cells.iter().all(|cell| cell.void.is_some()) => exit::NOTHING,
        None => exit::OK,
    }
}
