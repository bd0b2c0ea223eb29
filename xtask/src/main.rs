//! The tasks of this repository: `cargo xtask TASK`. Each task has a file; this file only dispatches.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod bench_servers;
mod bundled;
mod check_targets;
mod ci;
mod contract;
mod hostile;
mod kill;
mod matrix;
mod mutants;
mod packages;
mod peers;
mod portable;
mod public_api;
mod record;
mod run_report;
mod scenarios;
mod servers;
mod soak;
mod subprocess;
mod table;
mod test_all;
mod tidy;
mod verify;
mod watched_run;
mod workflow;

#[derive(Debug, Parser)]
#[command(bin_name = "cargo xtask", about = "The tasks of the echospec repository")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Run every bundled server, and every third-party server that is installed, against every check
    TestAll(test_all::Args),
    /// Run every check against its broken twins, and show what it found
    Mutants(mutants::Args),
    /// Run every third-party server that is installed, and compare with the known deviations
    Peers(peers::Args),
    /// Run everything that must pass before a change lands
    Ci,
    /// Find what breaks the rules of CONTRIBUTING.md
    Tidy,
    /// Run the tests under conditions that a shell, a service manager or a CI may set, and servers on other Linuxes
    Scenarios(scenarios::Args),
    /// Run clippy for the systems and processors that are not at hand
    CheckTargets(check_targets::Args),
    /// Show how each system provides each function of src/sys, and find what breaks the contract
    Contract(contract::Args),
    /// Compare the public surface of the library with the snapshot in docs/public-api.txt.
    PublicApi(public_api::Args),
    /// Run the bundled servers many times with all cores busy, and count what differs.
    Soak(soak::Args),
    /// Kill the program at random moments by random signals, and count what it leaves behind
    Kill(kill::Args),
    /// Check hostile servers, and show the time, the memory and what is left behind
    Hostile(hostile::Args),
    /// Run the steps of the workflows of hosted CI on this machine
    Workflow(workflow::Args),
    /// Measure mechanisms in turns with other benchmarks, and compare the figures
    VerifyCompare(verify::Args),
    /// Measure the bundled servers in turns with those of others, by concurrency model
    BenchServers(bench_servers::Args),
}

fn main() -> ExitCode {
    echospec::cli::prepare();
    let result = match Cli::parse().task {
        Task::TestAll(args) => test_all::run(&args),
        Task::Mutants(args) => mutants::run(&args),
        Task::Peers(args) => peers::run(&args),
        Task::Ci => ci::run(),
        Task::Tidy => tidy::run(),
        Task::CheckTargets(args) => check_targets::run(&args),
        Task::Contract(args) => contract::run(&args),
        Task::Scenarios(args) => scenarios::run(&args),
        Task::PublicApi(args) => public_api::run(&args),
        Task::Soak(args) => soak::run(&args),
        Task::Kill(args) => kill::run(&args),
        Task::Hostile(args) => hostile::run(&args),
        Task::Workflow(args) => workflow::run(&args),
        Task::VerifyCompare(args) => verify::run(&args),
        Task::BenchServers(args) => bench_servers::run(&args),
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

/// Returns the root of the repository.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// Returns the folder in which cargo builds.
fn target_folder() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}
