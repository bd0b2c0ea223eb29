//! `cargo xtask soak`: servers again and again, with every core kept busy by others.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

use anyhow::{Result, ensure};
use echospec::cli::interrupt;
use echospec::deadline::interrupted;
use echospec::runner::Options;
use echospec::server::{LaunchOptions, sweep};

use crate::record::Candidate;
use crate::{bundled, matrix, record, round};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// How many times.
    #[arg(long, default_value_t = 100)]
    runs: usize,

    /// Take this server, by its name in the matrix, bundled or third-party; may be repeated [default: all bundled ones].
    #[arg(long, value_name = "NAME")]
    server: Vec<String>,

    /// Leave the cores to the servers, instead of one spinning thread on each.
    #[arg(long)]
    idle: bool,
}

pub fn run(args: &Args) -> Result<bool> {
    round::build()?;
    let servers = chosen(&args.server)?;
    interrupt::watch()?;
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        if !args.idle {
            let cores = thread::available_parallelism().map_or(2, usize::from);
            (0..cores).for_each(|_| drop(scope.spawn(|| burn(&done))));
        }
        let held = runs(args.runs, &servers);
        done.store(true, Ordering::Relaxed);
        sweep();
        Ok(held)
    })
}

fn chosen(names: &[String]) -> Result<Vec<Candidate>> {
    let mut servers = bundled::candidates()?;
    if names.is_empty() {
        return Ok(servers);
    }
    servers.extend(record::candidates()?.0);
    let stranger = names.iter().find(|name| servers.iter().all(|server| server.name != **name));
    ensure!(
        stranger.is_none(),
        "no server that can be run here is called {}",
        stranger.map_or("", String::as_str)
    );
    servers.retain(|server| names.contains(&server.name));
    // What happens once in many runs is what a soak is for.
    servers.iter_mut().for_each(|server| server.second_looks = 0);
    Ok(servers)
}

fn burn(done: &AtomicBool) {
    while !done.load(Ordering::Relaxed) {
        std::hint::spin_loop();
    }
}

fn runs(number: usize, servers: &[Candidate]) -> bool {
    let (mut checks, mut surprises, mut longest) = (0, 0, 0.0_f64);
    let mut completed = 0;
    while completed < number && !interrupted() {
        let began = Instant::now();
        let options = Options {
            launch: LaunchOptions { seed: completed as u64, ..LaunchOptions::default() },
            ..Options::default()
        };
        for row in matrix::run_all(servers, &options, |_| ()) {
            checks += row.reports.len();
            surprises += row.surprises.len();
            row.surprises.iter().for_each(|line| println!("run {}: {line}", completed + 1));
        }
        completed += 1;
        longest = longest.max(began.elapsed().as_secs_f64());
        println!(
            "run {completed} of {number}: {:.1} s, {surprises} surprises so far",
            began.elapsed().as_secs_f64()
        );
    }
    println!("{completed} runs, {checks} checks, {surprises} surprises, the longest run {longest:.1} s");
    surprises == 0 && completed == number
}
