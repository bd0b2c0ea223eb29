//! `cargo xtask kill`: ends the program at random moments, by random signals, and counts what it leaves behind.

use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use echospec::os::{self, Object, Place, Process, SocketName};
use echospec::patience::{until, wait};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::{root, round};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// How many times.
    #[arg(long, default_value_t = 300)]
    times: usize,
}

/// A server with threads, one with a child for each client, one with a socket file, one that hides a daemon in
/// another session, and one that ignores SIGTERM.
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
    &["tcp", "--", "sh", "-c", "trap '' TERM; echo-tcp $1; sleep 1002", "sh", "{addr}"],
];

const SIGNALS: &[Signal] = &[Signal::SIGKILL, Signal::SIGINT, Signal::SIGTERM];

/// What only the processes of one run have in their environment.
const RUN: &str = "A_KILLED_RUN";

/// The latest moment, in milliseconds after the start, at which a run is ended.
const LATEST: u64 = 2000;

/// How long what is left may take to go; the figure that counts is how long it took.
const PATIENCE: Duration = Duration::from_secs(10);

/// What was left, over all the times.
#[derive(Debug, Default)]
struct Toll {
    processes: usize,
    files: usize,
    ports: usize,
    longest: Duration,
}

pub fn run(args: &Args) -> Result<bool> {
    round::build()?;
    os::adopt_orphans();
    let mut toll = Toll::default();
    for number in 0..args.times {
        let random = RandomState::new().hash_one(number);
        let signal = SIGNALS[number % SIGNALS.len()];
        let server = SERVERS[number / SIGNALS.len() % SERVERS.len()];
        once(number, server, signal, Duration::from_millis(random % LATEST), &mut toll)?;
        if (number + 1) % 20 == 0 {
            println!("{} of {}: {toll:?}", number + 1, args.times);
        }
    }
    let Toll { processes, files, ports, longest } = toll;
    println!(
        "{} times ended: {processes} processes, {files} files and {ports} listening ports left; the last process \
         went {:.0} ms after the run at the latest",
        args.times,
        longest.as_secs_f64() * 1000.0
    );
    Ok(processes + files + ports == 0)
}

fn once(number: usize, server: &[&str], signal: Signal, moment: Duration, toll: &mut Toll) -> Result<()> {
    let place = root().join(format!("target/kill-{number}"));
    fs::create_dir_all(&place)?;
    let mut child = start(&place, server)?;
    wait(&mut [], moment).map_err(|finding| anyhow!(finding.reason))?;
    let ports = listeners(&place);
    let pid = Pid::from_raw(i32::try_from(child.id())?);
    // It may have come to its end by itself.
    let _ = kill(pid, signal);
    child.wait()?;
    let began = Instant::now();
    let gone = until(PATIENCE, || Ok(members(&place).is_empty().then(|| began.elapsed())));
    let left = members(&place);
    toll.longest = toll.longest.max(gone.ok().flatten().unwrap_or(PATIENCE));
    toll.processes += left.len();
    left.iter().for_each(|process| println!("after {signal}: {process:?} is left of {server:?}"));
    toll.ports +=
        ports.iter().filter(|&&port| os::listens(Place::Tcp(port), &Vec::new).unwrap_or(false)).count();
    if signal == Signal::SIGKILL {
        // Nobody could remove the directory; the next run does.
        start(&place, &["pipe", "--only", "echo/empty", "--", "cat"])?.wait()?;
    }
    toll.files += fs::read_dir(&place)?.count();
    fs::remove_dir_all(&place).with_context(|| format!("cannot remove {}", place.display()))
}

fn start(place: &Path, words: &[&str]) -> Result<Child> {
    let here = std::env::current_exe()?;
    let folder = here.parent().context("this program has no folder")?;
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths([PathBuf::from(folder)].into_iter().chain(std::env::split_paths(&path)))?;
    let mut command = Command::new(folder.join("echospec"));
    command.arg("check").args(words).env("TMPDIR", place).env(RUN, place).env("PATH", path);
    Ok(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?)
}

/// Every living process that has the environment of the run in `place`.
fn members(place: &Path) -> Vec<Process> {
    let directory = place.to_string_lossy();
    let mut all = os::processes().unwrap_or_default();
    all.retain(|it| !it.zombie && os::has_mark(it.pid, RUN, &directory).unwrap_or(false));
    all
}

/// The TCP ports on which they listen.
fn listeners(place: &Path) -> Vec<SocketAddr> {
    let tables = members(place).into_iter().filter_map(|process| os::descriptors(process.pid).ok());
    let listening = |object: Object| match object {
        Object::Socket(os::Socket { name: SocketName::Tcp(local, _), listening: true, .. }) => Some(local),
        _ => None,
    };
    tables.flatten().filter_map(|descriptor| listening(descriptor.object)).collect()
}
