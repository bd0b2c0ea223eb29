//! `echospec compare`: measures mechanisms and servers side by side.

use std::io;
use std::process::ExitCode;

use super::{CliError, exit, interrupt};
use crate::bench::client;
use crate::bench::compare::{CompareError, compare};
use crate::bench::comparison::Comparison;
use crate::bench::saved::SavedComparison;
use crate::server::sweep;

mod args;
mod output;
mod plan;
mod progress_line;
mod values;

pub use args::Args;
use output::Output;
use progress_line::ProgressLine;
pub(super) use values::parse_size;

/// Runs `echospec compare`: measures and writes the reports.
///
/// # Errors
/// A mistake in the arguments, or the reason why nothing can be measured.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    if let Some(name) = &args.from {
        return show(name, args);
    }
    let plan = plan::plan(args)?;
    let output = Output::prepare(args)?;
    interrupt::watch_signals()?;
    let line = ProgressLine::new();
    let result = compare(&plan, |progress| line.show(progress));
    drop(line);
    sweep();
    let comparison = result.map_err(into_cli_error)?;
    let regressed = output.write(&comparison)?;
    Ok(ExitCode::from(exit_code(&comparison, regressed)))
}

/// Prints a comparison that was saved earlier.
fn show(name: &str, args: &Args) -> anyhow::Result<ExitCode> {
    let saved = SavedComparison::named(name).and_then(|saved| saved.load());
    let comparison = saved.map_err(|error| CliError::usage(error.to_string()))?;
    let regressed = Output::prepare(args)?.write(&comparison)?;
    Ok(ExitCode::from(exit_code(&comparison, regressed)))
}

/// Runs the client process of a measuring session.
///
/// # Errors
/// The errors of [`client::run_client`].
pub fn run_client() -> anyhow::Result<ExitCode> {
    client::run_client(io::stdin().lock(), io::stdout().lock())?;
    Ok(ExitCode::from(exit::ALL_AS_EXPECTED))
}

/// Converts an error of a comparison into one with an exit code. An unavailable placement is a usage error: the user
/// can choose another.
fn into_cli_error(error: CompareError) -> anyhow::Error {
    match error {
        CompareError::Placement { .. } => CliError::usage(error.to_string()).into(),
        CompareError::Server { .. } | CompareError::Processors(_) => error.into(),
    }
}

fn exit_code(comparison: &Comparison, regressed: bool) -> u8 {
    let measurements = &comparison.measurements;
    match interrupt::received_signal() {
        Some(signal) => exit::SIGNAL_BASE + u8::try_from(signal).unwrap_or_default(),
        None if measurements.iter().any(|it| it.server_fault) => exit::CHECK_FAILED,
        None if regressed => exit::SLOWER_THAN_BASELINE,
        None if measurements.iter().all(|it| it.no_result.is_some()) => exit::NOTHING_SELECTED,
        None => exit::ALL_AS_EXPECTED,
    }
}
