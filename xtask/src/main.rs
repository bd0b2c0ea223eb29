//! The tasks of this repository: `cargo xtask TASK`. One file for each; this one only dispatches.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod bundled;
mod ci;
mod hostile;
mod kill;
mod matrix;
mod mutants;
mod peers;
mod record;
mod round;
mod scenarios;
mod soak;
mod table;
mod test_all;
mod tidy;
mod trail;
mod verify;

#[derive(Debug, Parser)]
#[command(bin_name = "cargo xtask", about = "The tasks of the echospec repository")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Run every bundled server, and every third-party server that is installed, against every check.
    TestAll(test_all::Args),
    /// Every check against the servers that were broken for it, and why each was caught.
    Mutants(mutants::Args),
    /// Run every third-party server that is installed, and compare with the record of what it does.
    Peers(peers::Args),
    /// Everything that must hold before a change lands.
    Ci,
    /// The house rules as code.
    Tidy(tidy::Args),
    /// Run the tests under conditions that a shell, a service manager or a CI may set.
    Scenarios(scenarios::Args),
    /// Run the bundled servers many times with all cores busy, and count what differs.
    Soak(soak::Args),
    /// End the program at random moments by random signals, and count what it leaves behind.
    Kill(kill::Args),
    /// The program against servers that mean harm: verdict, time, memory, and what is left.
    Hostile(hostile::Args),
    /// Our figures of mechanisms beside those of other benchmarks, on one processor, in turns.
    VerifyCompare(verify::Args),
}

fn main() -> ExitCode {
    echospec::cli::prepare();
    let result = match Cli::parse().task {
        Task::TestAll(args) => test_all::run(&args),
        Task::Mutants(args) => mutants::run(&args),
        Task::Peers(args) => peers::run(&args),
        Task::Ci => ci::run(),
        Task::Tidy(args) => tidy::run(&args),
        Task::Scenarios(args) => scenarios::run(&args),
        Task::Soak(args) => soak::run(&args),
        Task::Kill(args) => kill::run(&args),
        Task::Hostile(args) => hostile::run(&args),
        Task::VerifyCompare(args) => verify::run(&args),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::from(3)
        }
    }
}

/// The root of the repository.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}
