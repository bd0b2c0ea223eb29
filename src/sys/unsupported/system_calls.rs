//! Counting system calls: there is no counter.

use std::io;

use nix::unistd::Pid;

use super::unsupported;

/// Does not exist on this system.
#[derive(Debug)]
pub enum SystemCallCounter {}

impl SystemCallCounter {
    /// The source of the counts, for reports.
    pub const SOURCE: &str = "no counter";

    /// Returns `Unsupported`.
    pub fn start(_pids: &[Pid]) -> io::Result<SystemCallCounter> {
        unsupported("system calls of other processes are not counted on this system")
    }

    /// Is never called.
    pub fn count(&self) -> io::Result<u64> {
        match *self {}
    }
}
