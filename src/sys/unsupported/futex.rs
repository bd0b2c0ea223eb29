//! Sleeping on a word of shared memory: there is no futex.

use std::io;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

use super::unsupported;

/// Returns `Unsupported`: this system has no futex.
pub fn futex_wait(_word: &AtomicU32, _value: u32, _limit: Option<Duration>) -> io::Result<()> {
    unsupported("this system has no futex(2)")
}

/// Returns `Unsupported`: this system has no futex.
pub fn futex_wake(_word: &AtomicU32) -> io::Result<()> {
    unsupported("this system has no futex(2)")
}
