//! One running process of a server, its descendants, and what it prints.

use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use os_pipe::PipeWriter;

use super::ledger::{self, Ledger};
use super::output::Output;
use super::shepherd::{End, Flock, MARK, wait_for_burial};
use super::spawn::spawn;
use super::{Conditions, LaunchError, describe, guard};
use crate::deadline::{Countdown, GLANCE, interrupted};
use crate::sys::{self, IpcObject, Process};
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
    ledger: Box<Ledger>,
    end: End,
    /// What it has left that others would have to remove; known once it has ended.
    legacy: Vec<IpcObject>,
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
const TERM_GRACE: Duration = Duration::from_millis(500);

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
        let ledger = Box::new(Ledger::open());
        let descriptors = given.passed.into_iter().chain(given.ends).collect();
        let child = spawn(command, descriptors).map_err(failed)?;
        let leader = Pid::from_raw(i32::try_from(child.id()).unwrap_or_default());
        let watched = guard::watch(leader);
        trace::note(|| format!("the server is launched as process {leader}"));
        let instance = Instance {
            child,
            flock: Flock::new(leader, mark),
            output,
            _input: input,
            status: None,
            reaped: false,
            ledger,
            end: End::default(),
            legacy: Vec::new(),
        };
        watched.map_err(LaunchError::Harness).map(|()| instance)
    }

    /// Launches `program`, without arguments, with `input` and `output` as its standard input and output.
    ///
    /// # Errors
    /// [`LaunchError::Spawn`] where it cannot be executed.
    pub fn between(program: PathBuf, input: OwnedFd, output: OwnedFd) -> Result<Instance, LaunchError> {
        Instance::with_stdio((program.into_os_string(), Vec::new()), [Some(input), Some(output), None])
    }

    /// Launches a program and its arguments with `stdio` as its descriptors 0, 1 and 2: for one that is left out, a
    /// pipe in which nothing comes, or one that is [drained](Instance::output).
    ///
    /// # Errors
    /// [`LaunchError::Spawn`] where it cannot be executed.
    pub fn with_stdio(
        command: (OsString, Vec<OsString>),
        stdio: [Option<OwnedFd>; 3],
    ) -> Result<Instance, LaunchError> {
        Instance::launch(command, Given { stdio, ..Given::default() }, &Conditions::default())
    }

    /// Launches the program that `words` begin with, with the rest of them as its arguments, and with `input` and
    /// `output` as its standard input and output.
    ///
    /// # Errors
    /// As [`between`](Instance::between).
    pub fn running(
        words: impl IntoIterator<Item = OsString>,
        input: OwnedFd,
        output: OwnedFd,
    ) -> Result<Instance, LaunchError> {
        let mut words = words.into_iter();
        let program = words.next().ok_or(LaunchError::NoCommand)?;
        Instance::launch((program, words.collect()), Given::pipes(input, output), &Conditions::default())
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
        if matches!(signal, Signal::SIGTERM | Signal::SIGKILL) {
            self.note_objects();
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
            if sys::wait_for_exit(self.pid(), left.min(GLANCE)).unwrap_or(false) {
                self.status = sys::exit_status(self.pid()).ok().flatten();
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
        if self.reaped {
            return;
        }
        let _ = self.signal(Signal::SIGTERM);
        let _ = self.signal(Signal::SIGCONT);
        self.wait(TERM_GRACE);
        self.end();
    }

    /// Ends every process of this server at once with SIGKILL.
    pub fn end(&mut self) {
        if self.reaped {
            return;
        }
        self.note_objects();
        self.end = self.flock.end();
        // Of another user's process (a setuid program's) there is no end to be had, and none to wait for.
        if wait_for_burial(self.pid()) {
            self.status = self.status.or(self.child.wait().ok());
        }
        self.reaped = true;
        self.flock.bury();
        guard::leave(self.pid());
        self.legacy = self.ledger.left(&self.flock.seen());
        ledger::remove(&self.legacy);
    }

    /// Whether it ended by itself or by SIGTERM, with every process of its own, and so could tidy up.
    pub(super) fn went_in_order(&self) -> bool {
        let ended = self.status.is_some_and(|it| it.signal().is_none_or(|it| it == Signal::SIGTERM as i32));
        self.end.in_order && ended
    }

    /// Its processes that could not be ended.
    pub(super) fn survivors(&self) -> &[Process] {
        &self.end.survivors
    }

    /// What it should have removed before it ended.
    pub(super) fn legacy(&self) -> &[IpcObject] {
        if self.went_in_order() { &self.legacy } else { &[] }
    }

    /// What it has left up to now, where the system tells; to be asked when all its processes have ended.
    pub(super) fn left(&self) -> Option<Vec<IpcObject>> {
        self.ledger.can_tell().then(|| self.ledger.left(&self.flock.seen()))
    }

    /// Remembers which objects its processes have open now; what they close before their end is theirs too.
    pub(super) fn note_objects(&self) {
        self.ledger.note(&self.flock);
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
