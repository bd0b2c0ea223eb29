//! Another user for a server: only Linux lets a user other than root keep root's access to files.

use std::io;
use std::process::Command;

use nix::unistd::Pid;

use super::unsupported;

/// The reason why no function for another user is available.
const REASON: &str = "this system does not separate root's capabilities";

/// Returns `Unsupported`: this system does not separate root's capabilities.
pub fn check_user_permission() -> io::Result<()> {
    unsupported(REASON)
}

/// Returns `Unsupported`: this system does not separate root's capabilities.
pub fn give_own_user(_command: &mut Command) -> io::Result<()> {
    unsupported(REASON)
}

/// Returns `Unsupported`: this system does not separate root's capabilities.
pub fn set_task_limit(_pid: Pid, _tasks: Option<usize>) -> io::Result<()> {
    unsupported(REASON)
}
