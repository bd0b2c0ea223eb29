//! The options of one launch: deadlines, limits, signals, and standard descriptors.

use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::{self, Command};
use std::sync::Arc;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::signal::Signal;
use nix::unistd::write;
use os_pipe::PipeWriter;

use super::process::Output;
use crate::deadline::Deadlines;
use crate::sys::{self, ChildAttributes};

/// Options for launching a server.
#[derive(Debug, Clone)]
pub struct LaunchOptions {
    /// The deadlines of the harness's waits for the server.
    pub deadlines: Deadlines,
    /// The seed that determines the bytes of every [payload](super::Server::payload).
    pub seed: u64,
    /// The maximum number of descriptors that the server may have open: `RLIMIT_NOFILE`, soft and hard.
    pub descriptor_limit: Option<u32>,
    /// The maximum number of threads that the user of the server may have: `RLIMIT_NPROC`, soft and hard. Without
    /// [`own_user`](LaunchOptions::own_user), the threads of all other processes of the user count, too.
    pub task_limit: Option<u32>,
    /// Signals that the server ignores when it starts, as under nohup(1).
    pub ignored: &'static [Signal],
    /// Signals that the server blocks when it starts.
    pub blocked: &'static [Signal],
    /// The server's descriptors 0, 1 and 2. A descriptor that the transport uses for its data keeps the transport's
    /// end.
    pub stdio: [Stdio; 3],
    /// Environment variables that are set for the server, or removed if they have no value.
    pub environment: Vec<(OsString, Option<OsString>)>,
    /// The value of the server's environment variable `TMPDIR`. By default it is a directory of the server's own, which
    /// is removed with the server.
    pub temp_dir: Option<PathBuf>,
    /// Whether the server is the first process of a PID namespace of its own: pid_namespaces(7), Linux, as root.
    pub first_process: bool,
    /// Whether the server has a network of its own, with a loopback interface alone: network_namespaces(7), Linux, as
    /// root.
    pub own_network: bool,
    /// Whether the server runs as a user that no other process has, with root's access to files: capabilities(7), Linux,
    /// as root.
    pub own_user: bool,
    /// The directory that the server sees as `/dev/shm`. It then has IPC objects of its own: ipc_namespaces(7), Linux, as
    /// root.
    pub shared_memory: Option<PathBuf>,
    /// Options for passing listening sockets to a server that takes them.
    pub listeners: ListenerOptions,
    /// Whether this process becomes a child subreaper (prctl(2), Linux) while the server lives, so that it can reap
    /// daemons. Without this, orphans of the server go to init, and those that cleared their environment and left
    /// their process group are not found.
    pub subreaper: bool,
    /// Whether a guard, a small `/bin/sh` process, kills the server if this process is killed.
    pub guard: bool,
}

impl Default for LaunchOptions {
    fn default() -> Self {
        LaunchOptions {
            deadlines: Deadlines::default(),
            seed: 0,
            descriptor_limit: None,
            task_limit: None,
            ignored: &[],
            blocked: &[],
            stdio: Default::default(),
            environment: Vec::new(),
            temp_dir: None,
            first_process: false,
            own_network: false,
            own_user: false,
            shared_memory: None,
            listeners: ListenerOptions::default(),
            subreaper: true,
            guard: true,
        }
    }
}

/// The object that a server gets as its standard input, output or error.
#[derive(Debug, Clone, Default)]
pub enum Stdio {
    /// The descriptor is a pipe. The server's standard input is silent but open, and the harness drains its output.
    #[default]
    Piped,
    /// The descriptor is closed, so the next descriptor that the server opens gets its number.
    Closed,
    /// The descriptor is a pseudo-terminal, whose output the harness drains. For standard input it is a silent pipe.
    Terminal,
    /// The descriptor is one that the caller has opened.
    Descriptor(Arc<OwnedFd>),
}

/// The environment variable that is always removed from a server's environment. Container images set it, and then
/// Python does not buffer its output as usual. If the server needs it, set it in the server's command with env(1).
const HIDES_BUFFERING: &str = "PYTHONUNBUFFERED";

/// Options for passing listening sockets to a server: sd_listen_fds(3).
#[derive(Debug, Clone, Copy, Default)]
pub struct ListenerOptions {
    /// Whether to pass a second listening socket as descriptor 4, at an address of its own.
    pub second: bool,
    /// Whether to set `LISTEN_PID` to another process: the sockets are not meant for this server.
    pub for_another_process: bool,
    /// Whether to set `O_NONBLOCK` on the listening sockets that are passed.
    pub nonblocking: bool,
}

impl Stdio {
    /// Returns a [`Stdio`] that passes `descriptor` to the server.
    pub fn descriptor(descriptor: impl Into<OwnedFd>) -> Stdio {
        Stdio::Descriptor(Arc::new(descriptor.into()))
    }

    fn copy(&self) -> io::Result<Option<OwnedFd>> {
        let Stdio::Descriptor(descriptor) = self else { return Ok(None) };
        descriptor.try_clone().map(Some)
    }
}

/// Returns a pipe that is full: a write blocks until the read end is read. Capacities differ between systems
/// (pipe(7)), so this writes until the pipe takes no more.
///
/// # Errors
/// Those of `pipe(2)` and `fcntl(2)`.
pub fn full_pipe() -> io::Result<(os_pipe::PipeReader, PipeWriter)> {
    let (reader, writer) = os_pipe::pipe()?;
    let blocking = OFlag::from_bits_retain(fcntl(&writer, FcntlArg::F_GETFL)?);
    fcntl(&writer, FcntlArg::F_SETFL(blocking | OFlag::O_NONBLOCK))?;
    for piece in [4096, 1] {
        while write(&writer, &vec![b'.'; piece]).is_ok() {}
    }
    fcntl(&writer, FcntlArg::F_SETFL(blocking))?;
    Ok((reader, writer))
}

impl LaunchOptions {
    /// Whether the harness reads all that the server prints.
    #[must_use]
    pub(crate) fn captures_output(&self) -> bool {
        self.stdio[1..].iter().all(|stdio| matches!(stdio, Stdio::Piped))
    }

    /// Sets up `command` as these launch options say. `given` takes precedence over [`stdio`](Self::stdio): it holds
    /// the descriptors that carry the transport's data. Drained output goes to `output`. The server's standard input
    /// stays open until the returned pipe is dropped.
    pub(super) fn apply_to_command(
        &self,
        command: &mut Command,
        given: [Option<OwnedFd>; 3],
        output: &Output,
    ) -> io::Result<Option<PipeWriter>> {
        let [input, first_output, second_output] = given;
        let [zero, one, two] = &self.stdio;
        let closed: Vec<i32> = [(&input, zero), (&first_output, one), (&second_output, two)]
            .into_iter()
            .zip(0..)
            .filter(|((given, stdio), _)| given.is_none() && matches!(stdio, Stdio::Closed))
            .map(|(_, number)| number)
            .collect();
        let held = set_input(command, input, zero)?;
        command.stdout(output_of(first_output, one, output)?);
        command.stderr(output_of(second_output, two, output)?);
        command.env_remove(HIDES_BUFFERING);
        for (name, value) in &self.environment {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        if self.own_network {
            sys::give_own_network(command)?;
        }
        if self.own_user {
            sys::give_own_user(command)?;
        }
        if let Some(folder) = &self.shared_memory {
            sys::give_own_objects(command, folder)?;
        }
        command.envs(self.temp_dir.iter().map(|directory| ("TMPDIR", directory)));
        if self.descriptor_limit.is_none() {
            sys::restore_descriptor_limit(command);
        }
        sys::set_child_attributes(
            command,
            ChildAttributes {
                descriptor_limit: self.descriptor_limit.map(Into::into),
                task_limit: self.task_limit,
                ignored_signals: self.ignored,
                blocked_signals: self.blocked,
                closed_descriptors: closed,
            },
        );
        Ok(held)
    }
}

fn set_input(command: &mut Command, given: Option<OwnedFd>, stdio: &Stdio) -> io::Result<Option<PipeWriter>> {
    if let Some(given) = given.map_or_else(|| stdio.copy(), |it| Ok(Some(it)))? {
        command.stdin(given);
        return Ok(None);
    }
    if matches!(stdio, Stdio::Closed) {
        command.stdin(process::Stdio::null());
        return Ok(None);
    }
    let (silent, held) = os_pipe::pipe()?;
    command.stdin(silent);
    Ok(Some(held))
}

fn output_of(given: Option<OwnedFd>, stdio: &Stdio, output: &Output) -> io::Result<process::Stdio> {
    if let Some(given) = given.map_or_else(|| stdio.copy(), |it| Ok(Some(it)))? {
        return Ok(given.into());
    }
    if matches!(stdio, Stdio::Closed) {
        return Ok(process::Stdio::null());
    }
    if matches!(stdio, Stdio::Terminal) {
        let (ours, terminal) = sys::open_pseudo_terminal()?;
        output.drain(ours)?;
        return Ok(terminal.into());
    }
    let (reader, writer) = os_pipe::pipe()?;
    output.drain(reader.into())?;
    Ok(OwnedFd::from(writer).into())
}
