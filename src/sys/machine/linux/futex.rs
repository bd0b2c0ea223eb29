//! Sleeping on a word of memory that processes share: futex(2), the least that a wake-up can be.

use std::io;
use std::sync::atomic::AtomicU32;

use rustix::thread::futex::{self, Flags, Timespec};

/// The longest sleep without a look at whether the other still lives. The timer costs less than a tenth of a µs.
const LONGEST: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };

/// Sleeps while `word` is `value`; it can end for no reason, and does after 0.1 s.
pub fn sleep_on(word: &AtomicU32, value: u32) -> io::Result<()> {
    match futex::wait(word, Flags::empty(), value, Some(&LONGEST)) {
        Ok(()) | Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR | rustix::io::Errno::TIMEDOUT) => {
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

/// Wakes the one that sleeps on `word`.
pub fn wake(word: &AtomicU32) -> io::Result<()> {
    Ok(futex::wake(word, Flags::empty(), 1).map(drop)?)
}
