//! Counting system calls: there is no counter.

use std::io;

use nix::unistd::Pid;

use super::unsupported;

/// A type without values, because this system lacks the feature.
#[derive(Debug)]
pub enum SystemCallCounter {}

impl SystemCallCounter {
    /// The name of the kernel interface that counts system calls, for reports.
    pub const SOURCE: &str = "no counter";

    /// Returns `Unsupported`: this system does not count system calls.
    pub fn start(_pids: &[Pid]) -> io::Result<SystemCallCounter> {
        unsupported("system calls of other processes are not counted on this system")
    }

    /// Is never called, because no value of this type exists.
    pub fn count(&self) -> io::Result<u64> {
        match *self {}
    }
}
