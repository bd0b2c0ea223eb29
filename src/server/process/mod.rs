//! One running process of a server, with its descendants and its output.
//!
//! | file | content |
//! |---|---|
//! | `launcher` | the thread that forks |
//! | `given` | the descriptors that a process is given |
//! | `tree` | finds and kills all descendants |
//! | `guard` | kills them if this process is killed |
//! | `supervision` | the effects on this process, for as long as servers run |
//! | `output` | drains and keeps standard output and error |
//! | `ipc_objects` | kernel objects that the process leaves behind |
//! | `description` | a process in words, for reports |
//! | `job_process` | a process that works for the harness |

use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use os_pipe::PipeWriter;

use super::scratch;
use super::spec::Invocation;
use super::{LaunchError, LaunchOptions, describe_exit};
use crate::deadline::{Countdown, INTERRUPT_CHECK_INTERVAL, is_interrupted};
use crate::sys::{self, IpcObject, Process};
use crate::trace::{self, Action};

mod description;
mod given;
mod guard;
mod ipc_objects;
mod job_process;
mod launcher;
mod output;
mod supervision;
mod tree;

pub use description::{command_line_of, describe_descriptors, describe_process, describe_state};
pub(super) use given::GivenDescriptors;
use given::with_listeners;
pub(super) use guard::kill_marked_processes as finish_guard;
use ipc_objects::IpcObjects;
pub use job_process::{JobOutput, JobProcess};
pub use output::Output;
pub use supervision::Supervision;
pub(super) use tree::REAP_TIMEOUT;
use tree::{KillResult, MARK_VARIABLE, ProcessTree, wait_for_zombie};

/// A running process and its descendants. Dropping the value terminates them all.
#[derive(Debug)]
pub struct Instance {
    child: Child,
    tree: ProcessTree,
    output: Output,
    /// The write end of the pipe at the process's standard input. Nothing is written to it, and it stays open.
    _input: Option<PipeWriter>,
    /// The signal that ends the launched process gracefully.
    stop: Signal,
    status: Option<ExitStatus>,
    /// Whether the launched process was reaped, so that another process may have its number.
    reaped: bool,
    objects: Box<IpcObjects>,
    killed: KillResult,
    /// The IPC objects that the process leaked, found once all its processes had ended.
    leaked_objects: Vec<IpcObject>,
    _supervision: Supervision,
}

/// The time that a process may take to exit after SIGTERM before it is killed.
const TERM_GRACE: Duration = Duration::from_millis(500);

impl Instance {
    /// Launches a program with its arguments, and `stdio` as its descriptors 0, 1 and 2. `None` stands for a pipe:
    /// a silent one as standard input, a [drained](Instance::output) one as output.
    ///
    /// # Errors
    /// [`LaunchError`] where the program cannot be executed.
    pub(crate) fn start(
        command: impl IntoIterator<Item = OsString>,
        stdio: [Option<OwnedFd>; 3],
    ) -> Result<Instance, LaunchError> {
        Instance::start_with_descriptors(command, stdio, Vec::new())
    }

    /// Launches a program as [`start`](Instance::start) does, with `extra` as its descriptors 3, 4, ….
    ///
    /// # Errors
    /// As [`start`](Instance::start).
    pub(crate) fn start_with_descriptors(
        command: impl IntoIterator<Item = OsString>,
        stdio: [Option<OwnedFd>; 3],
        extra: Vec<OwnedFd>,
    ) -> Result<Instance, LaunchError> {
        let mut words = command.into_iter();
        let program = words.next().ok_or(LaunchError::NoCommand)?;
        let invocation = Invocation {
            program,
            arguments: words.collect(),
            environment: Vec::new(),
            stop: Signal::SIGTERM,
        };
        let given = GivenDescriptors { stdio, extra, ..GivenDescriptors::default() };
        Instance::launch(invocation, given, &LaunchOptions::default())
    }

    pub(super) fn launch(
        Invocation { program, arguments, environment, stop }: Invocation,
        given: GivenDescriptors,
        options: &LaunchOptions,
    ) -> Result<Instance, LaunchError> {
        let failed = |error| LaunchError::Spawn { program: program.to_string_lossy().into_owned(), error };
        let mark = fresh_mark();
        let output = Output::default();
        let mut command = Command::new(&program);
        command.args(arguments).envs(environment).process_group(0).env(MARK_VARIABLE, &mark);
        if !given.listeners.is_empty() {
            let for_another = options.listeners.for_another_process;
            command = with_listeners(command, given.listeners.len(), for_another);
        }
        let input = options.apply_to_command(&mut command, given.stdio, &output).map_err(failed)?;
        let supervision = Supervision::begin(options.subreaper, options.guard);
        let objects = Box::new(IpcObjects::before_launch());
        let descriptors = given.listeners.into_iter().chain(given.extra).collect();
        let child =
            launcher::spawn_in_launcher(command, descriptors, options.first_process).map_err(failed)?;
        let leader = Pid::from_raw(i32::try_from(child.id()).unwrap_or_default());
        let watched = if options.guard { guard::watch_group(leader) } else { Ok(()) };
        trace::note_event(leader, || Action::Launched);
        let instance = Instance {
            child,
            tree: ProcessTree::new(leader, mark),
            output,
            _input: input,
            stop,
            status: None,
            reaped: false,
            objects,
            killed: KillResult::default(),
            leaked_objects: Vec::new(),
            _supervision: supervision,
        };
        watched.map_err(LaunchError::Harness).map(|()| instance)
    }

    /// Returns the id of the process that was launched.
    #[must_use]
    pub fn pid(&self) -> Pid {
        self.tree.leader
    }

    /// Returns the output that this process and its descendants have printed so far.
    #[must_use]
    pub fn output(&self) -> &Output {
        &self.output
    }

    /// Whether the process has printed anything. Waits at most `limit` for the end of its output.
    #[must_use]
    pub(crate) fn printed_anything(&self, limit: Duration) -> bool {
        self.output.wait_closed(limit);
        !self.output.text().trim().is_empty()
    }

    /// Lists the living processes: the launched one and its descendants.
    ///
    /// # Errors
    /// `Unsupported` where the system does not list processes.
    pub fn processes(&self) -> io::Result<Vec<Process>> {
        self.tree.members()
    }

    /// Returns a function that lists the living processes at any later time, without borrowing this value.
    pub(super) fn process_lister(&self) -> impl Fn() -> io::Result<Vec<Process>> + Send + use<> {
        let tree = self.tree.clone();
        move || tree.members()
    }

    /// Sends `signal` to the launched process alone.
    ///
    /// # Errors
    /// `ESRCH` once it has been reaped.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        if self.reaped {
            return Err(nix::Error::ESRCH.into());
        }
        if signal == self.stop || matches!(signal, Signal::SIGTERM | Signal::SIGKILL) {
            self.record_ipc_objects();
        }
        if self.status.is_none() {
            trace::note_event(self.pid(), || Action::Signal(signal.to_string()));
        }
        Ok(kill(self.pid(), signal)?)
    }

    /// Waits at most `limit` for the launched process to exit, and returns its status. An interrupt ends the wait.
    /// The process stays a zombie, and its number reserved, until the value is dropped.
    pub fn wait(&mut self, limit: Duration) -> Option<ExitStatus> {
        let mut countdown = Countdown::new(limit);
        while !self.reaped && self.status.is_none() {
            let left = countdown.left();
            if sys::wait_for_exit(self.pid(), left.min(INTERRUPT_CHECK_INTERVAL)).unwrap_or(false) {
                self.status = sys::exit_status(self.pid()).ok().flatten();
                self.trace_end();
            }
            if left.is_zero() || is_interrupted() {
                break;
            }
        }
        self.status
    }

    fn trace_end(&self) {
        if let Some(status) = self.status {
            trace::note_event(self.pid(), || Action::Ended(describe_exit(status)));
        }
    }

    /// Returns the exit status of the launched process, if it has exited.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.wait(Duration::ZERO)
    }

    /// Kills the launched process alone with SIGKILL, and waits for its end.
    ///
    /// # Errors
    /// `TimedOut` if it is still there after `limit`.
    pub fn kill_main_process(&mut self, limit: Duration) -> io::Result<()> {
        self.signal(Signal::SIGKILL)?;
        self.wait(limit).map(drop).ok_or_else(|| io::ErrorKind::TimedOut.into())
    }

    /// Sends the stop signal to the launched process, waits a moment, and kills every process that is left.
    pub fn terminate(&mut self) {
        if self.reaped {
            return;
        }
        let _ = self.signal(self.stop);
        let _ = self.signal(Signal::SIGCONT);
        self.wait(TERM_GRACE);
        self.kill();
    }

    /// Kills the launched process and its descendants with SIGKILL, and reaps them.
    pub fn kill(&mut self) {
        if self.reaped {
            return;
        }
        self.record_ipc_objects();
        self.killed = self.tree.kill();
        // Another user's process (a setuid program's) cannot be killed: there is no end to wait for.
        if wait_for_zombie(self.pid()) {
            self.status = self.status.or(self.child.wait().ok());
        }
        self.reaped = true;
        self.tree.reap_group();
        guard::forget_group(self.pid());
        self.leaked_objects = self.objects.left_by(&self.tree.seen());
        self.remove_leaked_objects();
    }

    /// Kills every process of the instance, as a step of the check.
    pub(super) fn crash(&mut self) {
        if self.ended().is_none() {
            trace::note_event(self.pid(), || Action::Signal("SIGKILL".into()));
        }
        self.kill();
    }

    fn remove_leaked_objects(&self) {
        if !scratch::are_directories_kept() {
            self.leaked_objects.iter().for_each(|object| drop(sys::remove_ipc_object(&object.id)));
        }
    }

    /// Whether the process exited by itself or by SIGTERM, after all its descendants, and so was able to clean up.
    pub(super) fn exited_cleanly(&self) -> bool {
        let ended = self.status.is_some_and(|it| it.signal().is_none_or(|it| it == self.stop as i32));
        self.killed.none_left && ended
    }

    /// Returns the processes of the instance that could not be killed.
    pub(super) fn survivors(&self) -> &[Process] {
        &self.killed.survivors
    }

    /// Returns the IPC objects that the process should have removed before it ended.
    pub(super) fn leaked_objects(&self) -> &[IpcObject] {
        if self.exited_cleanly() { &self.leaked_objects } else { &[] }
    }

    /// Returns the IPC objects that the instance has left up to now, or `None` where the system does not list objects.
    /// All processes of the instance must have ended.
    pub(super) fn objects_left(&self) -> Option<Vec<IpcObject>> {
        self.objects.is_supported().then(|| self.objects.left_by(&self.tree.seen()))
    }

    /// Records the IPC objects that the instance's processes have open now, so that they count as its own even if
    /// closed later.
    pub(super) fn record_ipc_objects(&self) {
        self.objects.record(&self.tree);
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.terminate();
    }
}

fn fresh_mark() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("{}{}", guard::mark_prefix(), NEXT.fetch_add(1, Ordering::Relaxed))
}
