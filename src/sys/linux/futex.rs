//! Sleeping on a word of shared memory: futex(2).

use std::io;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

use rustix::io::Errno;
use rustix::thread::futex::{self, Flags, Timespec};

/// Sleeps while `word` is `value`, until [`futex_wake`] is called or `limit` has passed. It may return early.
///
/// The flag `FUTEX_PRIVATE_FLAG` is not set, because another process wakes this one.
///
/// # Errors
/// Those of futex(2).
pub fn futex_wait(word: &AtomicU32, value: u32, limit: Option<Duration>) -> io::Result<()> {
    let limit = limit.map(|limit| Timespec {
        tv_sec: limit.as_secs().try_into().unwrap_or(i64::MAX),
        tv_nsec: limit.subsec_nanos().into(),
    });
    match futex::wait(word, Flags::empty(), value, limit.as_ref()) {
        Ok(()) | Err(Errno::AGAIN | Errno::INTR | Errno::TIMEDOUT) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Wakes one thread that sleeps on `word` in [`futex_wait`].
///
/// # Errors
/// Those of futex(2).
pub fn futex_wake(word: &AtomicU32) -> io::Result<()> {
    Ok(futex::wake(word, Flags::empty(), 1).map(drop)?)
}
