//! Processes: no list of them. waitid(2) finds the end of a child.

use std::io;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use nix::unistd::Pid;

use super::unsupported;
use crate::sys::types::Process;
use crate::sys::unix::exit::poll_for_exit;

pub use crate::sys::unix::child_attributes::inherit_no_descriptors;

/// Returns `Unsupported`: this system does not list processes.
pub fn processes() -> io::Result<Vec<Process>> {
    unsupported("this system does not list processes")
}

/// Returns `Unsupported`: this system does not list processes.
pub fn children(_parent: Pid) -> io::Result<Vec<Process>> {
    unsupported("this system does not list processes")
}

/// Returns whether `process` is a child of this process.
#[must_use]
pub fn may_be_descendant(process: &Process) -> bool {
    process.parent == Pid::this()
}

/// Returns `None`: this system does not show which program a process executes.
#[must_use]
pub fn executable(_pid: Pid) -> Option<PathBuf> {
    None
}

/// Returns an empty list: this system does not show command lines.
#[must_use]
pub fn command_line(_pid: Pid) -> Vec<String> {
    Vec::new()
}

/// Returns `None`: this system does not show the state of a process.
#[must_use]
pub fn process_state(_pid: Pid) -> Option<&'static str> {
    None
}

/// Returns `Unsupported`: this system does not show the environment of a process.
pub fn has_env_var(_pid: Pid, _name: &str, _value: &str) -> io::Result<bool> {
    unsupported("this system does not show the environment of a process")
}

/// Waits until the child `pid` has exited or `limit` has passed. Returns whether it has exited. Does not reap the
/// child.
///
/// # Errors
/// `ECHILD` if it is not a child of this process.
pub fn wait_for_exit(pid: Pid, limit: Duration) -> io::Result<bool> {
    poll_for_exit(pid, limit)
}

/// Does nothing and returns false: this system has no subreapers, so init becomes the parent of orphans.
pub fn set_subreaper(_on: bool) -> bool {
    false
}

/// Does nothing: on this system a child survives its parent.
pub fn kill_with_parent(_command: &mut Command) {}
