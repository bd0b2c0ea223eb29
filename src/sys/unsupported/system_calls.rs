//! Counting system calls: there is no counter.

use std::io;

use nix::unistd::Pid;

use super::unsupported;

/// Stands for a counter of system calls on a system that does not count them. The type has no values.
#[derive(Debug)]
pub enum SystemCallCounter {}

impl SystemCallCounter {
    /// The name of the kernel interface that counts system calls, for reports.
    pub const SOURCE: &str = "no counter";

    /// Returns `Unsupported`: this system does not count system calls.
    pub fn start(_pids: &[Pid]) -> io::Result<SystemCallCounter> {
        unsupported("system calls of other processes are not counted on this system")
    }

    /// Is never called, because on this system there is no counter of system calls to read.
    pub fn count(&self) -> io::Result<u64> {
        match *self {}
    }
}
