//! No list of processes. The end of a child is waited for with waitid(2).

use std::io;
use std::os::fd::BorrowedFd;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use nix::unistd::Pid;

use crate::sys::types::{Descriptor, Process};
use crate::sys::unix::exit::poll_for_exit;

/// The signals by which a user asks what is going on.
pub const STATUS_SIGNALS: &[i32] = &[nix::libc::SIGUSR1];

pub fn processes() -> io::Result<Vec<Process>> {
    cannot_tell()
}

pub fn children(_parent: Pid) -> io::Result<Vec<Process>> {
    cannot_tell()
}

pub fn may_be_descendant(process: &Process) -> bool {
    process.parent == Pid::this()
}

pub fn descriptors(_pid: Pid) -> io::Result<Vec<Descriptor>> {
    cannot_tell()
}

/// There are no names that vanish with their process.
pub fn claim_name(_name: &str) -> io::Result<Option<OwnedFd>> {
    Ok(None)
}

pub fn descriptor_count(pid: Pid) -> io::Result<usize> {
    descriptors(pid).map(|table| table.len())
}

pub fn has_env_var(_pid: Pid, _name: &str, _value: &str) -> io::Result<bool> {
    cannot_tell()
}

fn cannot_tell<T>() -> io::Result<T> {
    Err(io::ErrorKind::Unsupported.into())
}

pub fn wait_for_exit(pid: Pid, limit: Duration) -> io::Result<bool> {
    poll_for_exit(pid, limit)
}

pub fn executable(_pid: Pid) -> Option<PathBuf> {
    None
}

pub fn wait_channel(_pid: Pid) -> Option<String> {
    None
}

/// Orphans go to init.
pub fn set_subreaper(_on: bool) -> bool {
    false
}

/// The child inherits every descriptor that is not close-on-exec.
pub fn inherit_no_descriptors(_command: &mut Command) {}

/// The child stays when its parent dies.
pub fn kill_with_parent(_command: &mut Command) {}

pub fn unacknowledged_bytes(_socket: BorrowedFd<'_>) -> io::Result<usize> {
    cannot_tell()
}
