//! `cargo xtask kill`: kills the program at random moments, by random signals, and counts what it leaves behind.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use echospec::deadline::{until, wait};
use echospec::sys;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::servers;
use crate::watched_run::{WatchedRun, count_listening};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Number of runs
    #[arg(long, default_value_t = 300)]
    times: usize,
}

/// A server with threads, one with a child for each client, one with a socket file, one that starts a daemon in
/// another session, one with IPC objects, and one that ignores SIGTERM.
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

/// The program is killed within so many milliseconds after its start.
const LATEST: u64 = 2000;

/// How long the task waits for processes to exit.
const EXIT_TIMEOUT: Duration = Duration::from_secs(10);

/// The last process must exit within this time after the program.
const SLOWEST_EXIT: Duration = Duration::from_secs(1);

/// The leaks of all runs together.
#[derive(Debug, Default)]
struct Leaks {
    processes: usize,
    sockets: usize,
    ports: usize,
    files: usize,
    /// IPC objects, except after SIGKILL: the killed program cannot remove those of its servers.
    objects: usize,
    slowest_exit: Duration,
}

impl fmt::Display for Leaks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Leaks { processes, sockets, ports, files, objects, slowest_exit } = self;
        write!(
            f,
            "left: {processes} processes, {sockets} socket files, {ports} listening ports, {files} other files, \
             {objects} IPC objects; the last process exited at most {:.0} ms after the program",
            slowest_exit.as_secs_f64() * 1000.0
        )
    }
}

pub fn run(args: &Args) -> Result<bool> {
    servers::build()?;
    sys::set_subreaper(true);
    let mut leaks = Leaks::default();
    for number in 0..args.times {
        let random = RandomState::new().hash_one(number);
        let signal = SIGNALS[number % SIGNALS.len()];
        let server = SERVERS[number / SIGNALS.len() % SERVERS.len()];
        run_once(number, server, signal, Duration::from_millis(random % LATEST), &mut leaks)?;
        if (number + 1) % 20 == 0 {
            println!("{} of {}: {leaks}", number + 1, args.times);
        }
    }
    println!("{} runs; {leaks}", args.times);
    let Leaks { processes, sockets, ports, files, objects, slowest_exit } = leaks;
    Ok(processes + sockets + ports + files + objects == 0 && slowest_exit <= SLOWEST_EXIT)
}

fn run_once(
    number: usize,
    server: &[&str],
    signal: Signal,
    moment: Duration,
    leaks: &mut Leaks,
) -> Result<()> {
    let run = WatchedRun::new(&format!("kill-{number}"))?;
    let mut child = run.start(&[&["check"], server].concat())?;
    wait(&mut [], moment).map_err(|finding| anyhow!(finding.reason))?;
    let ports = run.listening_ports();
    let pid = Pid::from_raw(i32::try_from(child.id())?);
    // It may have exited already.
    let _ = kill(pid, signal);
    child.wait()?;
    let began = Instant::now();
    let gone = until(EXIT_TIMEOUT, || Ok(run.processes().is_empty().then(|| began.elapsed())));
    let left = run.processes();
    leaks.slowest_exit = leaks.slowest_exit.max(gone.ok().flatten().unwrap_or(EXIT_TIMEOUT));
    leaks.processes += left.len();
    left.iter().for_each(|process| println!("after {signal}: {process:?} is left of {server:?}"));
    leaks.ports += count_listening(&ports);
    if signal == Signal::SIGKILL {
        // The killed program has left its directory; the next run removes it.
        run.start(&["check", "pipe", "--only", "echo/empty", "--", "cat"])?.wait()?;
    } else {
        leaks.objects += run.new_objects();
    }
    let sockets = run.socket_files();
    leaks.sockets += sockets;
    leaks.files += run.files().len().saturating_sub(sockets);
    run.clear()
}
