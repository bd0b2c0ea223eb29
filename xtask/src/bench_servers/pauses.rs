//! `bench-servers --pauses`: a closed loop and an open loop on a server that stops for 100 ms in every second.
//!
//! The open loop must show what arithmetic says: of the requests that are due at fixed times, a tenth falls into a pause,
//! and each of these waits for the rest of the pause. So the 99th percentile is 90 ms.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use echospec::bench::placement::processors::ProcessorPair;
use echospec::deadline::is_interrupted;
use echospec::server::Server;
use nix::sys::signal::{Signal, kill};

use super::contenders::CONTENDERS;
use super::generator::{Figures, run_echospec};
use super::programs::Programs;
use super::runnable::Runnable;

/// The length of a pause, and the time from the beginning of one to that of the next.
const PAUSE: Duration = Duration::from_millis(100);
const PERIOD: Duration = Duration::from_secs(1);

/// The 99th percentile of an open loop by arithmetic, in ms, and by how much the measured one may differ.
const EXPECTED: f64 = 90.0;
const TOLERANCE: f64 = 10.0;

/// Prints the percentiles of both loops. Returns whether the open loop's is as it must be.
pub fn run(programs: &Programs, processors: &ProcessorPair) -> Result<bool> {
    let epoll = CONTENDERS.iter().find(|it| it.name == "C epoll").context("no C epoll")?;
    let program = programs.server(epoll).map_err(|reason| anyhow!(reason))?;
    let mut server =
        Runnable { contender: epoll, program }.launch(processors.server.unwrap_or(processors.client))?;
    println!("a server that stops for {} ms in every second:", PAUSE.as_millis());
    let closed = measure(programs, processors, &mut server, "--connections 10")?;
    print("closed loop", &closed);
    let open = measure(programs, processors, &mut server, "--connections 10 --rate 2k")?;
    print("open loop, 2,000 requests/s", &open);
    let p99 = open.latency.map_or(f64::NAN, |latency| latency.p99 / 1e6);
    println!("by arithmetic, the open loop's p99 is {EXPECTED:.0} ms");
    Ok((p99 - EXPECTED).abs() <= TOLERANCE)
}

/// Measures for ten periods, while a thread stops the server and lets it go on.
fn measure(
    programs: &Programs,
    processors: &ProcessorPair,
    server: &mut Server,
    options: &str,
) -> Result<Figures> {
    let address = server.address().inet().context("the server has no address of TCP")?;
    let pid = server.pid().map_err(|it| anyhow!(it.reason))?;
    let options = format!("--connect {address} --duration {}s {options}", 10 * PERIOD.as_secs());
    let options: Vec<_> = options.split(' ').map(str::to_owned).collect();
    let program = programs.release("echospec");
    thread::scope(|scope| {
        let load = scope.spawn(|| run_echospec(&program, options, processors.client));
        let mut next = Instant::now() + PERIOD;
        while !load.is_finished() && !is_interrupted() {
            let left = next.saturating_duration_since(Instant::now());
            if left.is_zero() {
                kill(pid, Signal::SIGSTOP)?;
                wait_until(next + PAUSE);
                kill(pid, Signal::SIGCONT)?;
                next += PERIOD;
            } else {
                thread::park_timeout(left.min(PAUSE));
            }
        }
        load.join().map_err(|_| anyhow!("the thread of the generator panicked"))?
    })
}

fn wait_until(time: Instant) {
    while let left = time.saturating_duration_since(Instant::now())
        && !left.is_zero()
    {
        thread::park_timeout(left);
    }
}

fn print(name: &str, figures: &Figures) {
    if let Some(latency) = figures.latency {
        println!(
            "{name}: p50 {:.2} ms, p99 {:.2} ms, p99.9 {:.2} ms of {} requests",
            latency.p50 / 1e6,
            latency.p99 / 1e6,
            latency.p999 / 1e6,
            figures.requests
        );
    }
}
