//! Threads: nothing shows where they sleep.

use std::io;

use nix::unistd::Pid;

use super::not_available;
use crate::sys::types::SleepingThread;

/// Returns `None`.
#[must_use]
pub fn wait_channel(_pid: Pid) -> Option<String> {
    None
}

/// Returns an empty list.
#[must_use]
pub fn wait_channels(_pid: Pid) -> Vec<String> {
    Vec::new()
}

/// Returns `Unsupported`.
pub fn is_blocked_writing_pipe(_pid: Pid) -> io::Result<bool> {
    not_available()
}

/// Returns `None`.
#[must_use]
pub fn all_threads_blocked(_pid: Pid) -> Option<bool> {
    None
}

/// Returns `Unsupported`.
pub fn sleeping_threads(_pid: Pid) -> io::Result<Vec<SleepingThread>> {
    not_available()
}
