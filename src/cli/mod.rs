//! The command line. Each subcommand has one file, which parses, calls one library function, prints, and sets the exit code.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{CommandFactory, Parser, Subcommand};

use crate::bench::session::CLIENT_ARGUMENTS;

mod capture;
mod check;
mod compare;
mod demo;
mod doctor;
mod explain;
mod fds;
mod init;
pub mod interrupt;
mod list;
mod load;
mod protocols;
mod report;
mod repro;
mod run;
mod scene;
mod server_args;

/// Exit codes of all subcommands.
mod exit {
    /// The exit code if all checks ended as expected.
    pub const ALL_AS_EXPECTED: u8 = 0;
    /// The exit code if a check failed.
    pub const CHECK_FAILED: u8 = 1;
    /// The exit code if the command line is wrong; clap uses the same code.
    pub const USAGE_ERROR: u8 = 2;
    /// The exit code if the harness could not do its work.
    pub const HARNESS_FAILED: u8 = 3;
    /// The exit code if no check or mechanism was selected.
    pub const NOTHING_SELECTED: u8 = 4;
    /// The exit code if a figure is worse than in the baseline, by more than noise and the threshold.
    pub const SLOWER_THAN_BASELINE: u8 = 5;
    /// The number that is added to the signal that ended the run, for the exit code.
    pub const SIGNAL_BASE: u8 = 128;
}

/// The number of the version, and the commit or the kind of build.
const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), env!("ECHOSPEC_BUILD"));

/// Launches a server as a subprocess and reports, check by check, what it does wrong.
#[derive(Debug, Parser)]
#[command(version = VERSION, max_term_width = 100, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,

    /// Use colours; by default if the output is a terminal, and NO_COLOR, CLICOLOR and CLICOLOR_FORCE do not say
    /// otherwise.
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value = "auto")]
    color: Color,
}

/// The cases in which the output has colours.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Color {
    Auto,
    Always,
    Never,
}

impl Color {
    /// Makes all output of this process use colours in these cases.
    fn apply(self) {
        match self {
            Color::Auto => {}
            Color::Always => anstream::ColorChoice::AlwaysAnsi.write_global(),
            Color::Never => anstream::ColorChoice::Never.write_global(),
        }
    }
}

const EXIT_CODES: &str = "\
Exit codes: 0 all as expected; 1 a check failed; 2 usage; 3 the harness could not do its work;
4 nothing selected; 5 slower than the baseline; 130 or 143 interrupted.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Launch a server and run every check that applies.
    Check(Box<check::Args>),
    /// Run a server's command, find out how it is reached, and write echospec.toml.
    Init(init::Args),
    /// Run one check alone, and print each step of client and server with its time.
    Repro(Box<repro::Args>),
    /// Play scenes: text files that say, step by step, what clients and server do.
    Run(Box<run::Args>),
    /// Check scenes for mistakes, or write them in the usual form.
    Scene(scene::Args),
    /// Render recorded runs: text, JSON, JUnit, TAP, Markdown, GitHub annotations, SARIF, HTML.
    Report(report::Args),
    /// Compare two recorded runs.
    Diff(report::DiffArgs),
    /// Print the JSON Schema of the events that `check --events` writes.
    Schema,
    /// Print a completion script for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Write the manual pages, echospec(1) and one for each subcommand, into DIR.
    Man {
        /// The directory.
        #[arg(value_name = "DIR")]
        directory: PathBuf,
    },
    /// List the checks.
    List(list::Args),
    /// Explain a check: what it verifies, why, its sources, and how to repeat it by hand.
    Explain(explain::Args),
    /// List the built-in protocols, or print the file of one.
    Protocols(protocols::Args),
    /// List what this machine lacks, what that limits, and how to fix it.
    Doctor(doctor::Args),
    /// Measure mechanisms and servers side by side: latency, throughput and cost.
    Compare(Box<compare::Args>),
    Load(Box<load::Args>),
    /// Run a command and record the packets on its loopback ports, for Wireshark and tshark.
    Capture(capture::Args),
    /// Draw the descriptors of running processes, and name the process at the other end of each.
    Fds(fds::Args),
    /// Show how descriptors, pipes and sockets work, drawn from live kernel state.
    Demo(demo::Args),
    /// Act as the client process of `compare`.
    #[command(hide = true, name = CLIENT_ARGUMENTS[0])]
    Client,
}

/// Prepares this process to launch servers: inherited descriptors are marked close-on-exec, SIGCHLD gets its default
/// disposition, and the soft descriptor limit is raised to the hard limit.
pub fn prepare() {
    crate::sys::mark_descriptors_close_on_exec();
    crate::sys::reset_sigchld();
    crate::sys::raise_descriptor_limit();
}

/// Runs the program with the arguments of this process.
#[must_use]
pub fn main() -> ExitCode {
    prepare();
    // The whole program is the harness: one guard for all servers, and orphans stay here until the final sweep.
    let _supervision = crate::server::Supervision::begin(true, true);
    let Cli { command, color } = Cli::parse();
    color.apply();
    let result = match command {
        Command::Check(args) => check::run(*args),
        Command::Init(args) => init::run(&args),
        Command::Repro(args) => repro::run(&args),
        Command::Run(args) => run::run(&args),
        Command::Scene(args) => scene::run(&args),
        Command::Report(args) => report::run(&args),
        Command::Diff(args) => report::diff(&args),
        Command::Schema => report::print_schema(),
        Command::Completions { shell } => print_completions(shell),
        Command::Man { directory } => write_manual_pages(&directory),
        Command::List(args) => list::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Protocols(args) => protocols::run(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Capture(args) => capture::run(&args),
        Command::Fds(args) => fds::run(&args),
        Command::Compare(args) => compare::run(&args),
        Command::Load(args) => load::run(&args),
        Command::Demo(args) => demo::run(&args),
        Command::Client => compare::run_client(),
    };
    crate::server::sweep();
    result.unwrap_or_else(|error| print_error(&error))
}

fn print_completions(shell: clap_complete::Shell) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "echospec", &mut script);
    io::stdout().write_all(&script)?;
    Ok(ExitCode::from(exit::ALL_AS_EXPECTED))
}

fn write_manual_pages(directory: &Path) -> anyhow::Result<ExitCode> {
    clap_mangen::generate_to(Cli::command(), directory)
        .with_context(|| format!("cannot write manual pages into {}", directory.display()))?;
    Ok(ExitCode::from(exit::ALL_AS_EXPECTED))
}

fn print_error(error: &anyhow::Error) -> ExitCode {
    if error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe) {
        // The reader has closed the pipe, as in `echospec list | head -3`.
        return ExitCode::from(exit::ALL_AS_EXPECTED);
    }
    anstream::eprintln!("echospec: {error:#}");
    ExitCode::from(error.downcast_ref::<CliError>().map_or(exit::HARNESS_FAILED, |error| error.code))
}

/// An error of a subcommand that determines the exit code of the program.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
struct CliError {
    code: u8,
    text: String,
}

impl CliError {
    fn usage(text: impl Into<String>) -> CliError {
        CliError { code: exit::USAGE_ERROR, text: text.into() }
    }

    fn nothing(text: impl Into<String>) -> CliError {
        CliError { code: exit::NOTHING_SELECTED, text: text.into() }
    }
}
