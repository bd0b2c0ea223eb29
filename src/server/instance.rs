//! One running process of a server, its descendants, and what it prints.

use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use os_pipe::PipeWriter;

use super::output::Output;
use super::shepherd::{Flock, MARK, wait_for_burial};
use super::spawn::spawn;
use super::{Conditions, LaunchError, describe, guard};
use crate::os::{self, Process};
use crate::patience::{Countdown, GLANCE, interrupted};
use crate::trace;

/// A process that ends with this value, and all its descendants with it.
#[derive(Debug)]
pub struct Instance {
    child: Child,
    flock: Flock,
    output: Output,
    /// Its standard input, in which nothing comes and which does not end either.
    _input: Option<PipeWriter>,
    status: Option<ExitStatus>,
    /// Once the launched process has been reaped, its number may belong to a stranger.
    reaped: bool,
}

/// The descriptors through which one process converses, where it does not make its own.
#[derive(Debug, Default)]
pub(super) struct Given {
    /// Descriptors 0, 1 and 2; the conditions of the start say what stands for `None`.
    pub stdio: [Option<OwnedFd>; 3],
    /// Listening sockets, as descriptors 3, 4, …
    pub passed: Vec<OwnedFd>,
    /// What follows these, of which it is told in another way.
    pub ends: Vec<OwnedFd>,
}

impl Given {
    /// Standard input and output.
    pub fn pipes(input: OwnedFd, output: OwnedFd) -> Given {
        Given { stdio: [Some(input), Some(output), None], ..Given::default() }
    }
}

/// How long a server may take to end by itself once a check no longer needs it.
const FAREWELL: Duration = Duration::from_millis(500);

impl Instance {
    pub(super) fn launch(
        (program, arguments): (OsString, Vec<OsString>),
        given: Given,
        conditions: &Conditions,
    ) -> Result<Instance, LaunchError> {
        let failed = |error| LaunchError::Spawn { program: program.to_string_lossy().into_owned(), error };
        let mark = fresh_mark();
        let output = Output::default();
        let mut command = Command::new(&program);
        command.args(arguments).process_group(0).env(MARK, &mark);
        if !given.passed.is_empty() {
            command = with_listeners(command, given.passed.len(), conditions.passing.to_another);
        }
        let input = conditions.impose(&mut command, given.stdio, &output).map_err(failed)?;
        let descriptors = given.passed.into_iter().chain(given.ends).collect();
        let child = spawn(command, descriptors).map_err(failed)?;
        let leader = Pid::from_raw(i32::try_from(child.id()).unwrap_or_default());
        let watched = guard::watch(leader);
        trace::note(|| format!("the server is launched as process {leader}"));
        let flock = Flock { leader, mark };
        let instance = Instance { child, flock, output, _input: input, status: None, reaped: false };
        watched.map_err(LaunchError::Harness).map(|()| instance)
    }

    /// Launches `program`, without arguments, with `input` and `output` as its standard input and output.
    ///
    /// # Errors
    /// [`LaunchError::Spawn`] where it cannot be executed.
    pub fn between(program: PathBuf, input: OwnedFd, output: OwnedFd) -> Result<Instance, LaunchError> {
        let given = Given::pipes(input, output);
        Instance::launch((program.into_os_string(), Vec::new()), given, &Conditions::default())
    }

    /// The process that was launched.
    #[must_use]
    pub fn pid(&self) -> Pid {
        self.flock.leader
    }

    /// What it and its descendants have printed so far.
    #[must_use]
    pub fn output(&self) -> &Output {
        &self.output
    }

    /// Whether it has printed anything; an ended process's last words are waited for, at most `limit`.
    #[must_use]
    pub fn says_anything(&self, limit: Duration) -> bool {
        self.output.wait_closed(limit);
        !self.output.text().trim().is_empty()
    }

    /// Every living process of this server.
    ///
    /// # Errors
    /// `Unsupported` where the system does not list processes.
    pub fn processes(&self) -> io::Result<Vec<Process>> {
        self.flock.members()
    }

    /// Lists the living processes at any later time, without holding on to this value.
    pub(super) fn members(&self) -> impl Fn() -> io::Result<Vec<Process>> + Send + use<> {
        let flock = self.flock.clone();
        move || flock.members()
    }

    /// Sends `signal` to the launched process alone.
    ///
    /// # Errors
    /// `ESRCH` once it has been reaped.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        if self.reaped {
            return Err(nix::Error::ESRCH.into());
        }
        trace::note(|| format!("process {} gets {signal}", self.pid()));
        Ok(kill(self.pid(), signal)?)
    }

    /// Waits at most `limit` for the launched process to end; an interrupt ends the wait. The process stays a
    /// zombie, and its number its own, until this value goes.
    pub fn wait(&mut self, limit: Duration) -> Option<ExitStatus> {
        let mut countdown = Countdown::new(limit);
        while !self.reaped && self.status.is_none() {
            let left = countdown.left();
            if os::wait_for_exit(self.pid(), left.min(GLANCE)).unwrap_or(false) {
                self.status = os::exit_status(self.pid()).ok().flatten();
                self.note_end();
            }
            if left.is_zero() || interrupted() {
                break;
            }
        }
        self.status
    }

    fn note_end(&self) {
        if let Some(status) = self.status {
            trace::note(|| format!("process {} has ended: {}", self.pid(), describe(status)));
        }
    }

    /// Its exit status, if it has ended.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.wait(Duration::ZERO)
    }

    /// Kills the launched process alone, as a crash would end it, and waits for that.
    ///
    /// # Errors
    /// `TimedOut` if it is still there after `limit`.
    pub fn kill_leader(&mut self, limit: Duration) -> io::Result<()> {
        self.signal(Signal::SIGKILL)?;
        self.wait(limit).map(drop).ok_or_else(|| io::ErrorKind::TimedOut.into())
    }

    /// Ends every process of this server: SIGTERM to the first, and SIGKILL to all that remain.
    pub fn stop(&mut self) {
        let _ = self.signal(Signal::SIGTERM);
        let _ = self.signal(Signal::SIGCONT);
        self.wait(FAREWELL);
        self.end();
    }

    /// Ends every process of this server at once with SIGKILL.
    pub fn end(&mut self) {
        if self.reaped {
            return;
        }
        self.flock.end();
        // Of another user's process (a setuid program's) there is no end to be had, and none to wait for.
        if wait_for_burial(self.pid()) {
            self.status = self.status.or(self.child.wait().ok());
        }
        self.reaped = true;
        self.flock.bury();
        guard::leave(self.pid());
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Tells the process of the listeners that it is passed: sd_listen_fds(3).
fn with_listeners(command: Command, listeners: usize, to_another: bool) -> Command {
    let mut told = if to_another {
        let mut told = command;
        // Process 1 is never a server of ours.
        told.env("LISTEN_PID", "1");
        told
    } else {
        with_listen_pid(&command)
    };
    told.env("LISTEN_FDS", listeners.to_string());
    told
}

/// Sets `LISTEN_PID` in the very process that will exec: only after the fork is its number known, and
/// `sh` with fixed text is the one portable program that can write its own into the environment.
fn with_listen_pid(command: &Command) -> Command {
    let mut wrapped = Command::new("/bin/sh");
    wrapped.args(["-c", r#"LISTEN_PID=$$ exec "$@""#, "sh"]);
    wrapped.arg(command.get_program()).args(command.get_args()).process_group(0);
    for (name, value) in command.get_envs() {
        wrapped.env(name, value.unwrap_or_default());
    }
    wrapped
}

fn fresh_mark() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("{}{}", guard::mark_prefix(), NEXT.fetch_add(1, Ordering::Relaxed))
}
