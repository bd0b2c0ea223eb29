//! The descriptors that a process is given at its launch, and how listening sockets among them are announced.

use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// Descriptors handed to a process at its launch.
#[derive(Debug, Default)]
pub struct GivenDescriptors {
    /// The process's descriptors 0, 1 and 2. Where one is `None`, [`LaunchOptions::stdio`](crate::server::LaunchOptions::stdio) decides.
    pub stdio: [Option<OwnedFd>; 3],
    /// The listening sockets that are passed as descriptors 3, 4, … and announced as in sd_listen_fds(3).
    pub listeners: Vec<OwnedFd>,
    /// More descriptors for the process, numbered after the listening sockets.
    pub extra: Vec<OwnedFd>,
}

impl GivenDescriptors {
    /// Returns the descriptors of a process whose standard input and output are given.
    pub fn pipes(input: OwnedFd, output: OwnedFd) -> GivenDescriptors {
        GivenDescriptors { stdio: [Some(input), Some(output), None], ..GivenDescriptors::default() }
    }
}

/// Announces the passed listening sockets in the environment of `command`: sd_listen_fds(3).
pub fn with_listeners(command: Command, listeners: usize, for_another_process: bool) -> Command {
    let mut announced = if for_another_process {
        let mut announced = command;
        // Process 1 is never a server of ours.
        announced.env("LISTEN_PID", "1");
        announced
    } else {
        with_listen_pid(&command)
    };
    announced.env("LISTEN_FDS", listeners.to_string());
    announced
}

/// Sets the variable `LISTEN_PID` in the process that executes `command`. Its number is known only after the fork, and
/// `sh` with fixed text is the one portable program that can put its own number into the environment.
fn with_listen_pid(command: &Command) -> Command {
    let mut wrapped = Command::new("/bin/sh");
    wrapped.args(["-c", r#"LISTEN_PID=$$ exec "$@""#, "sh"]);
    wrapped.arg(command.get_program()).args(command.get_args()).process_group(0);
    for (name, value) in command.get_envs() {
        wrapped.env(name, value.unwrap_or_default());
    }
    wrapped
}
