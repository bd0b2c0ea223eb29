//! `cargo xtask kill`: ends the program at random moments, by random signals, and counts what it leaves behind.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use echospec::deadline::{until, wait};
use echospec::sys;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::round;
use crate::trail::{Trail, still_listening};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// How many times.
    #[arg(long, default_value_t = 300)]
    times: usize,
}

/// A server with threads, one with a child for each client, one with a socket file, one that hides a daemon in
/// another session, one with objects in the kernel, and one that ignores SIGTERM.
const SERVERS: &[&[&str]] = &[
    &["tcp", "--", "echo-tcp", "{addr}"],
    &["tcp", "--", "echo-tcp-fork", "{addr}"],
    &["unix", "--", "echo-unix", "{path}"],
    &[
        "tcp",
        "--",
        "sh",
        "-c",
        "setsid sh -c 'sleep 1000 & sleep 1001' & exec echo-tcp-fork $1",
        "sh",
        "{addr}",
    ],
    &["tcp", "--", "broken-objects", "none", "{addr}"],
    &["tcp", "--", "sh", "-c", "trap '' TERM; echo-tcp $1; sleep 1002", "sh", "{addr}"],
];

const SIGNALS: &[Signal] = &[Signal::SIGKILL, Signal::SIGINT, Signal::SIGTERM];

/// The latest moment, in milliseconds after the start, at which a run is ended.
const LATEST: u64 = 2000;

/// How long what is left may take to go; the figure that counts is how long it took.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long after a SIGKILL the last process may go.
const SOON: Duration = Duration::from_secs(1);

/// What was left, over all the times.
#[derive(Debug, Default)]
struct Toll {
    processes: usize,
    sockets: usize,
    ports: usize,
    files: usize,
    /// Of runs that were not killed: a killed one cannot remove what its servers made in the kernel.
    objects: usize,
    longest: Duration,
}

impl fmt::Display for Toll {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Toll { processes, sockets, ports, files, objects, longest } = self;
        write!(
            f,
            "left: {processes} processes, {sockets} socket files, {ports} listening ports, {files} other files, \
             {objects} kernel objects; the last process went {:.0} ms after its run at the latest",
            longest.as_secs_f64() * 1000.0
        )
    }
}

pub fn run(args: &Args) -> Result<bool> {
    round::build()?;
    sys::set_subreaper(true);
    let mut toll = Toll::default();
    for number in 0..args.times {
        let random = RandomState::new().hash_one(number);
        let signal = SIGNALS[number % SIGNALS.len()];
        let server = SERVERS[number / SIGNALS.len() % SERVERS.len()];
        once(number, server, signal, Duration::from_millis(random % LATEST), &mut toll)?;
        if (number + 1) % 20 == 0 {
            println!("{} of {}: {toll}", number + 1, args.times);
        }
    }
    println!("{} times ended; {toll}", args.times);
    let Toll { processes, sockets, ports, files, objects, longest } = toll;
    Ok(processes + sockets + ports + files + objects == 0 && longest <= SOON)
}

fn once(number: usize, server: &[&str], signal: Signal, moment: Duration, toll: &mut Toll) -> Result<()> {
    let trail = Trail::new(&format!("kill-{number}"))?;
    let mut child = trail.start(&[&["check"], server].concat())?;
    wait(&mut [], moment).map_err(|finding| anyhow!(finding.reason))?;
    let ports = trail.listeners();
    let pid = Pid::from_raw(i32::try_from(child.id())?);
    // It may have come to its end by itself.
    let _ = kill(pid, signal);
    child.wait()?;
    let began = Instant::now();
    let gone = until(PATIENCE, || Ok(trail.processes().is_empty().then(|| began.elapsed())));
    let left = trail.processes();
    toll.longest = toll.longest.max(gone.ok().flatten().unwrap_or(PATIENCE));
    toll.processes += left.len();
    left.iter().for_each(|process| println!("after {signal}: {process:?} is left of {server:?}"));
    toll.ports += still_listening(&ports);
    if signal == Signal::SIGKILL {
        // Nobody could remove the directory; the next run does.
        trail.start(&["check", "pipe", "--only", "echo/empty", "--", "cat"])?.wait()?;
    } else {
        toll.objects += trail.objects();
    }
    let sockets = trail.socket_files();
    toll.sockets += sockets;
    toll.files += trail.files().len().saturating_sub(sockets);
    trail.clear()
}
