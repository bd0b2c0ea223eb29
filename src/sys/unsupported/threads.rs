//! Threads: nothing shows where they sleep.

use std::io;

use nix::unistd::Pid;

use super::unsupported;
use crate::sys::types::SleepingThread;

/// Returns `None`: this system does not show where a thread sleeps.
#[must_use]
pub fn wait_channel(_pid: Pid) -> Option<String> {
    None
}

/// Returns an empty list: this system does not show where a thread sleeps.
#[must_use]
pub fn wait_channels(_pid: Pid) -> Vec<String> {
    Vec::new()
}

/// Returns `Unsupported`: this system does not show where a thread sleeps.
pub fn is_blocked_writing_pipe(_pid: Pid) -> io::Result<bool> {
    unsupported("this system does not show where a thread sleeps")
}

/// Returns `None`: this system does not show the state of threads.
#[must_use]
pub fn all_threads_blocked(_pid: Pid) -> Option<bool> {
    None
}

/// Returns `Unsupported`: this system does not show the system calls of threads.
pub fn sleeping_threads(_pid: Pid) -> io::Result<Vec<SleepingThread>> {
    unsupported("this system does not show the system calls of threads")
}
