//! Sleeping on a word of memory that processes share: futex(2).

use std::io;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

use rustix::io::Errno;
use rustix::thread::futex::{self, Flags, Timespec};

/// Sleeps while `word` is `value`, until [`futex_wake`] or for `limit`. It may return early.
///
/// The flag `FUTEX_PRIVATE_FLAG` is not set, because the other side is another process.
///
/// # Errors
/// `Unsupported` where the system has no futex; else those of futex(2).
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
/// `Unsupported` where the system has no futex.
pub fn futex_wake(word: &AtomicU32) -> io::Result<()> {
    Ok(futex::wake(word, Flags::empty(), 1).map(drop)?)
}
