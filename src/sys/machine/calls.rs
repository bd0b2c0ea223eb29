//! How many system calls processes make.

use std::io;

use nix::unistd::Pid;

use super::system;

/// Counts the system calls of processes for as long as it is held. What they start meanwhile is counted too where the
/// system does so by itself: Linux does.
///
/// Counting slows the calls down (Linux: those of the whole machine), so nothing should be timed meanwhile.
#[derive(Debug)]
pub struct Calls(system::Calls);

impl Calls {
    /// What counts them.
    pub const SOURCE: &str = system::CALLS_SOURCE;

    /// Begins to count those of all threads of `pids`.
    ///
    /// # Errors
    /// `Unsupported` where the system counts none; `PermissionDenied` where this user may not know, with a text that
    /// says why; `NotFound` if one of them has gone.
    pub fn of(pids: &[Pid]) -> io::Result<Calls> {
        system::Calls::of(pids).map(Calls)
    }

    /// Whether they can be counted here, which is tried on this process.
    ///
    /// # Errors
    /// As [`of`](Calls::of).
    pub fn permitted() -> io::Result<()> {
        Calls::of(&[Pid::this()]).map(drop)
    }

    /// How many there were since it was begun, of those that have been entered: one in which a process still waits
    /// counts.
    ///
    /// # Errors
    /// Those of reading.
    pub fn so_far(&self) -> io::Result<u64> {
        self.0.so_far()
    }
}

#[cfg(test)]
mod tests {
    use nix::unistd::getppid;

    use super::*;

    /// `None` where this user or this system is not told.
    fn counting() -> Option<Calls> {
        Calls::of(&[Pid::this()]).map_err(|error| eprintln!("not counted here: {error}")).ok()
    }

    #[test]
    fn every_call_is_counted() {
        let Some(calls) = counting() else { return };
        let before = calls.so_far().unwrap();
        for _ in 0..1000 {
            std::hint::black_box(getppid());
        }
        // Other tests of this process make calls too.
        assert!(calls.so_far().unwrap() - before >= 1000);
    }

    #[test]
    fn nobody_is_no_process() {
        assert!(Calls::of(&[Pid::from_raw(i32::MAX)]).is_err());
    }
}
