//! `cargo xtask bench-servers`: the bundled servers against strong servers of others, by concurrency model.

use std::fs;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use echospec::bench::machine::describe_machine;
use echospec::cli::interrupt;
use echospec::deadline::is_interrupted;
use echospec::server::sweep;

use crate::root;

mod cell;
mod chart;
mod contenders;
mod generator;
mod generators;
mod memory;
mod page;
mod pauses;
mod programs;
mod results;
mod rounds;
mod runnable;

use contenders::CONTENDERS;
use generator::Generator;
use programs::Programs;
use results::Results;
use rounds::Plan;
use runnable::Runnable;

/// The arguments of `bench-servers`.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// Measure only the servers whose name contains TEXT; may be repeated
    #[arg(long, value_name = "TEXT")]
    only: Vec<String>,

    /// Measure only the cells whose name contains TEXT, such as '64 B × 50'; may be repeated
    #[arg(long, value_name = "TEXT")]
    cells: Vec<String>,

    /// Number of rounds
    #[arg(long, default_value_t = 10)]
    rounds: usize,

    /// Duration of the timed part of each measurement, in seconds
    #[arg(long, default_value_t = 0.4, value_name = "SECONDS")]
    seconds: f64,

    /// Measure two short rounds: shows that everything runs, not how fast
    #[arg(long)]
    quick: bool,

    /// Load by fixtures/clients/epoll_load.c, which verifies nothing, instead of `echospec load`
    #[arg(long)]
    bare: bool,

    /// Use the programs that an earlier run has built
    #[arg(long)]
    built: bool,

    /// Write the results to FILE
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,

    /// Show the results in FILE, of an earlier --json, and measure nothing
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,

    /// Write the tables into docs/concurrency.md, and the chart docs/concurrency.svg
    #[arg(long)]
    docs: bool,

    /// Open and close 100,000 connections to each server instead, and compare its descriptors and memory
    #[arg(long)]
    churn: bool,

    /// Compare `echospec load` with other load generators instead, by requests for a second of the client's processor
    #[arg(long, conflicts_with = "churn")]
    generators: bool,

    /// Measure a server that stops for 100 ms in every second instead, in a closed and in an open loop
    #[arg(long, conflicts_with_all = ["churn", "generators"])]
    pauses: bool,
}

const HELP: &str = "\
The server runs on one processor and the client on another. Each round measures all servers in each cell, in a new order;
ratios are computed round by round. Needs taskset (util-linux), cc and go; a server that cannot be built is left out, with
the reason.";

/// Measures, or reads an earlier run, and shows the results. Returns false if the run was interrupted or a server failed.
pub fn run(args: &Args) -> Result<bool> {
    let results = match &args.from {
        Some(file) => {
            let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
            serde_json::from_str(&text).with_context(|| format!("in {}", file.display()))?
        }
        None => {
            interrupt::watch_signals()?;
            let programs = Programs::prepare(args.built)?;
            if args.generators {
                let passed = generators::run(&programs, &rounds::processors()?, args.rounds);
                sweep();
                return passed;
            }
            if args.pauses {
                let passed = pauses::run(&programs, &rounds::processors()?);
                sweep();
                return passed;
            }
            let (servers, absent) = servers(&programs, &args.only);
            absent.iter().for_each(|(name, reason)| eprintln!("warning: {name} is left out: {reason}"));
            ensure!(!servers.is_empty(), "no server's name contains the text given to --only");
            let plan = plan(args, servers, &programs)?;
            let done = if args.churn { Ok(None) } else { measure(&plan, absent).map(Some) };
            let passed = !args.churn || churn(&plan);
            sweep();
            match done? {
                Some(results) => results,
                None => return Ok(passed),
            }
        }
    };
    if let Some(file) = &args.json {
        fs::write(file, serde_json::to_string_pretty(&results)?)
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    println!("{}", page::tables(&results));
    if args.docs {
        page::write(&root().join("docs/concurrency.md"), &results)?;
        fs::write(root().join("docs/concurrency.svg"), chart::draw(&results))?;
    }
    Ok(!results.interrupted && results.samples.iter().all(|sample| sample.error.is_none()))
}

/// Returns the selected servers that can be run, and the names of the others with the reasons.
fn servers(programs: &Programs, only: &[String]) -> (Vec<Runnable>, Vec<(String, String)>) {
    let selected = |name: &str| only.is_empty() || only.iter().any(|part| name.contains(part));
    let (mut present, mut absent) = (Vec::new(), Vec::new());
    for contender in CONTENDERS.iter().filter(|it| selected(it.name)) {
        match programs.server(contender) {
            Ok(program) => present.push(Runnable { contender, program }),
            Err(reason) => absent.push((contender.name.to_owned(), reason)),
        }
    }
    (present, absent)
}

fn plan(args: &Args, servers: Vec<Runnable>, programs: &Programs) -> Result<Plan> {
    let selected = |name: &str| args.cells.is_empty() || args.cells.iter().any(|part| name.contains(part));
    let cells: Vec<_> = cell::all().into_iter().filter(|cell| selected(&cell.to_string())).collect();
    ensure!(!cells.is_empty(), "no cell's name contains the text given to --cells");
    let (rounds, seconds) = if args.quick { (2, 0.1) } else { (args.rounds, args.seconds) };
    ensure!(rounds > 0 && seconds > 0.0, "--rounds and --seconds must be positive");
    let generator = if args.bare {
        Generator::BareLoop(programs.client("epoll_load")?)
    } else {
        Generator::Echospec(programs.release("echospec"))
    };
    Ok(Plan { servers, cells, rounds, seconds, generator, processors: rounds::processors()? })
}

fn measure(plan: &Plan, absent: Vec<(String, String)>) -> Result<Results> {
    let machine = describe_machine()?;
    let began = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let memory = memory::measure(&plan.servers, plan.server_processor());
    let samples = plan.measure();
    Ok(Results {
        machine,
        processors: plan.processors.description.clone(),
        began,
        rounds: plan.rounds,
        seconds: plan.seconds,
        generator: plan.generator.description().to_owned(),
        interrupted: is_interrupted(),
        samples,
        memory,
        absent,
    })
}

/// Prints what many short connections leave in each server. Returns whether all are as before.
fn churn(plan: &Plan) -> bool {
    let mut passed = true;
    for server in &plan.servers {
        let name = server.contender.name;
        match memory::churn(server, plan.server_processor()) {
            Ok(churn) => {
                passed &= churn.is_back();
                println!("{name}: {churn}");
            }
            Err(error) => {
                passed = false;
                println!("{name}: {error:#}");
            }
        }
        if is_interrupted() {
            return false;
        }
    }
    passed
}
