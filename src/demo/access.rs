//! Which end of a pipe a descriptor is.

use std::fs;
use std::os::fd::RawFd;
use std::os::unix::fs::PermissionsExt;

use nix::unistd::Pid;

/// What a process may do with a descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// `O_RDONLY`: the read end of a pipe.
    Read,
    /// `O_WRONLY`: the write end of a pipe.
    Write,
    /// `O_RDWR`, as every socket.
    Both,
}

/// The access mode of descriptor `number` of `pid`, where the system tells: the permissions of the link
/// `/proc/PID/fd/N` are the mode that the file was opened with (proc(5)).
pub(super) fn access(pid: Pid, number: RawFd) -> Option<Access> {
    const READ: u32 = 0o400;
    const WRITE: u32 = 0o200;
    let mode = fs::symlink_metadata(format!("/proc/{pid}/fd/{number}")).ok()?.permissions().mode();
    match (mode & READ != 0, mode & WRITE != 0) {
        (true, true) => Some(Access::Both),
        (true, false) => Some(Access::Read),
        (false, true) => Some(Access::Write),
        (false, false) => None,
    }
}
