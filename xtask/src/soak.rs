//! `cargo xtask soak`: runs servers many times, with every core kept busy.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

use anyhow::{Result, ensure};
use echospec::cli::interrupt;
use echospec::deadline::is_interrupted;
use echospec::runner::RunOptions;
use echospec::server::{LaunchOptions, sweep};

use crate::record::Candidate;
use crate::{bundled, matrix, record, servers};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Number of runs
    #[arg(long, default_value_t = 100)]
    runs: usize,

    /// Run this server, bundled or third-party; may be repeated [default: all bundled servers]
    #[arg(long, value_name = "NAME")]
    server: Vec<String>,

    /// Leave the cores idle, instead of one busy thread on each
    #[arg(long)]
    idle: bool,
}

pub fn run(args: &Args) -> Result<bool> {
    servers::build()?;
    let servers = chosen(&args.server)?;
    interrupt::watch_signals()?;
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        if !args.idle {
            let cores = thread::available_parallelism().map_or(2, usize::from);
            (0..cores).for_each(|_| drop(scope.spawn(|| spin(&done))));
        }
        let passed = run_repeatedly(args.runs, &servers);
        done.store(true, Ordering::Relaxed);
        sweep();
        Ok(passed)
    })
}

fn chosen(names: &[String]) -> Result<Vec<Candidate>> {
    let mut servers = bundled::candidates()?;
    if names.is_empty() {
        return Ok(servers);
    }
    servers.extend(record::usual_candidates()?.0);
    let unknown = names.iter().find(|name| servers.iter().all(|server| server.name != **name));
    ensure!(
        unknown.is_none(),
        "no server that can be run here is called {}",
        unknown.map_or("", String::as_str)
    );
    servers.retain(|server| names.contains(&server.name));
    // A soak looks for what happens once in many runs.
    servers.iter_mut().for_each(|server| server.retries = 0);
    Ok(servers)
}

fn spin(done: &AtomicBool) {
    while !done.load(Ordering::Relaxed) {
        std::hint::spin_loop();
    }
}

fn run_repeatedly(number: usize, servers: &[Candidate]) -> bool {
    let (mut checks, mut unexpected, mut longest) = (0, 0, 0.0_f64);
    let mut completed = 0;
    while completed < number && !is_interrupted() {
        let began = Instant::now();
        let options = RunOptions {
            launch: LaunchOptions { seed: completed as u64, ..LaunchOptions::default() },
            ..RunOptions::default()
        };
        for row in matrix::run_all(servers, &options, |_| ()) {
            checks += row.results.len();
            unexpected += row.unexpected.len();
            row.unexpected.iter().for_each(|line| println!("run {}: {line}", completed + 1));
        }
        completed += 1;
        longest = longest.max(began.elapsed().as_secs_f64());
        println!(
            "run {completed} of {number}: {:.1} s, {unexpected} unexpected findings so far",
            began.elapsed().as_secs_f64()
        );
    }
    println!(
        "{completed} runs, {checks} checks, {unexpected} unexpected findings, the longest run {longest:.1} s"
    );
    unexpected == 0 && completed == number
}
