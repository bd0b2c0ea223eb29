//! The command line: parse, call one library function, print, exit code. One file for each subcommand.

use std::io;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::bench::session::CLIENT;

mod capture;
mod check;
mod compare;
mod demo;
mod doctor;
mod explain;
mod fds;
pub mod interrupt;
mod list;
mod repro;

/// Exit codes, the same for every subcommand.
mod exit {
    /// All as expected.
    pub const OK: u8 = 0;
    /// A check failed.
    pub const FAILED: u8 = 1;
    /// The command line is wrong. Also clap's own.
    pub const USAGE: u8 = 2;
    /// The harness could not do its work.
    pub const HARNESS: u8 = 3;
    /// Nothing was selected.
    pub const NOTHING: u8 = 4;
    /// A figure is worse than it was, by more than noise and the threshold.
    pub const REGRESSED: u8 = 5;
    /// Added to the number of the signal that ended the run.
    pub const SIGNAL: u8 = 128;
}

/// Launches any echo server as a subprocess and says, check by check, what it does wrong.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "\
Exit codes: 0 all as expected; 1 a check failed; 2 usage; 3 the harness could not do its work;
4 nothing selected; 5 slower than the baseline; 130 or 143 interrupted.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Check a server: launch it and run every check that applies.
    Check(check::Args),
    /// Run one check alone, and show all that client and server do, when they do it.
    Repro(repro::Args),
    /// List the checks.
    List(list::Args),
    /// Explain a check: what it demands, why, who says so, and how to repeat it by hand.
    Explain(explain::Args),
    /// Say what will be limited on this machine, why, and what would mend it.
    Doctor(doctor::Args),
    /// Compare mechanisms, and servers: how fast, at what cost, how certain.
    Compare(Box<compare::Args>),
    /// Run a command and record the packets of its own loopback ports, for Wireshark and tshark.
    Capture(capture::Args),
    /// Draw the descriptors of any running processes, and say who holds the other end of each.
    Fds(fds::Args),
    /// Watch descriptors, pipes and sockets at work, drawn from the live kernel.
    Demo(demo::Args),
    /// Be the client of a measurement; `compare` launches it.
    #[command(hide = true, name = CLIENT[0])]
    Client,
}

/// Makes this process a launcher: what its own parent has left it must not reach the servers, nor hinder.
pub fn prepare() {
    crate::sys::seal_descriptors();
    crate::sys::expect_children();
    crate::sys::raise_descriptor_limit();
}

/// Runs the program with the arguments of this process.
#[must_use]
pub fn main() -> ExitCode {
    prepare();
    let result = match Cli::parse().command {
        Command::Check(args) => check::run(args),
        Command::Repro(args) => repro::run(&args),
        Command::List(args) => list::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Capture(args) => capture::run(&args),
        Command::Fds(args) => fds::run(&args),
        Command::Compare(args) => compare::run(&args),
        Command::Demo(args) => demo::run(&args),
        Command::Client => compare::serve(),
    };
    crate::server::sweep();
    result.unwrap_or_else(|error| complain(&error))
}

fn complain(error: &anyhow::Error) -> ExitCode {
    if error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe) {
        // Whoever was reading has seen enough: `echospec list | head -3`.
        return ExitCode::from(exit::OK);
    }
    anstream::eprintln!("echospec: {error:#}");
    ExitCode::from(error.downcast_ref::<Refusal>().map_or(exit::HARNESS, |refusal| refusal.code))
}

/// An error of the user's, with its exit code.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
struct Refusal {
    code: u8,
    text: String,
}

impl Refusal {
    fn usage(text: impl Into<String>) -> Refusal {
        Refusal { code: exit::USAGE, text: text.into() }
    }

    fn nothing(text: impl Into<String>) -> Refusal {
        Refusal { code: exit::NOTHING, text: text.into() }
    }
}
