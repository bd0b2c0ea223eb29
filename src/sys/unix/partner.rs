//! A second process that answers through shared memory: the least that two processes can do for each other, and so
//! the floor under every mechanism.

use std::io;
use std::num::NonZeroUsize;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use nix::libc;
use nix::sys::mman::{MapFlags, ProtFlags, mmap_anonymous, munmap};
use nix::sys::signal::{SigSet, SigmaskHow, Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork, getppid};

use super::launch_lock::with_launch_lock;
use crate::sys::system::futex::{futex_wait, futex_wake};

/// How one side waits until it is its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitMethod {
    /// By `sched_yield(2)`: for two on one processor.
    Yield,
    /// By reading until it is so: for two processors.
    Spin,
    /// By sleeping in the kernel until the other wakes it.
    Sleep,
}

const OURS: u32 = 0;
const THEIRS: u32 = 1;
const ENOUGH: u32 = 2;

/// The longest sleep without a look at whether the other still lives. The timer costs less than a tenth of a µs.
const LONGEST: Duration = Duration::from_millis(100);

/// How many turns of waiting go by between two looks at whether the other still lives.
const GLANCE: u32 = 1 << 14;

/// A child of this process that hands every turn straight back. It ends with the value, and within a moment of this
/// process however that ends.
#[derive(Debug)]
pub struct ForkedPartner {
    pid: Pid,
    turn: Shared,
    how: WaitMethod,
}

impl ForkedPartner {
    /// Forks it.
    ///
    /// # Errors
    /// Those of `mmap(2)` and `fork(2)`; `Unsupported` for [`WaitMethod::Sleep`] where the system has no futex.
    #[expect(unsafe_code, reason = "fork(2): the partner shares memory and runs no program of its own")]
    pub fn fork(how: WaitMethod) -> io::Result<ForkedPartner> {
        let turn = Shared::new()?;
        if how == WaitMethod::Sleep {
            futex_wake(turn.word())?;
        }
        let parent = Pid::this();
        // The partner keeps all signals blocked: the handlers of this process must not run in it.
        let former = SigSet::all().thread_swap_mask(SigmaskHow::SIG_SETMASK)?;
        // SAFETY: other threads may hold any lock at this moment. The child takes none: it allocates nothing, reads
        // and writes one shared word, makes system calls, and leaves by _exit(2).
        let forked = with_launch_lock(|| unsafe { fork() });
        if let Ok(ForkResult::Child) = forked {
            serve(turn.word(), how, parent);
            // SAFETY: _exit(2) ends the process and runs nothing of ours.
            unsafe { libc::_exit(0) };
        }
        former.thread_set_mask()?;
        match forked? {
            ForkResult::Parent { child } => Ok(ForkedPartner { pid: child, turn, how }),
            ForkResult::Child => unreachable!("it has left"),
        }
    }

    /// Its number.
    #[must_use]
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// Whether it sleeps until it is woken, rather than looking again and again.
    #[must_use]
    pub fn sleeps(&self) -> bool {
        self.how == WaitMethod::Sleep
    }

    /// Hands the turn over and waits until it is back.
    ///
    /// # Errors
    /// `BrokenPipe` if the partner has been killed.
    pub fn round_trip(&self) -> io::Result<()> {
        hand_over(self.turn.word(), THEIRS, self.how);
        let lives = || waitpid(self.pid, Some(WaitPidFlag::WNOHANG)) == Ok(WaitStatus::StillAlive);
        match await_turn(self.turn.word(), THEIRS, self.how, lives) {
            Some(OURS) => Ok(()),
            _ => Err(io::Error::new(io::ErrorKind::BrokenPipe, "the partner process was killed")),
        }
    }
}

impl Drop for ForkedPartner {
    fn drop(&mut self) {
        hand_over(self.turn.word(), ENOUGH, self.how);
        let still = waitpid(self.pid, Some(WaitPidFlag::WNOHANG)) == Ok(WaitStatus::StillAlive);
        if still && kill(self.pid, Signal::SIGKILL).is_ok() {
            let _ = waitpid(self.pid, None);
        }
    }
}

/// What the partner does: nothing here may allocate or take a lock.
fn serve(turn: &AtomicU32, how: WaitMethod, parent: Pid) {
    while await_turn(turn, OURS, how, || getppid() == parent) == Some(THEIRS) {
        hand_over(turn, OURS, how);
    }
}

#[inline]
fn hand_over(turn: &AtomicU32, to: u32, how: WaitMethod) {
    turn.store(to, Ordering::Release);
    if how == WaitMethod::Sleep {
        let _ = futex_wake(turn);
    }
}

/// Waits until the word is no longer `other`; `None` if whoever should change it lives no more.
#[inline]
fn await_turn(turn: &AtomicU32, other: u32, how: WaitMethod, lives: impl Fn() -> bool) -> Option<u32> {
    let mut turns = 0_u32;
    loop {
        let now = turn.load(Ordering::Acquire);
        if now != other {
            return Some(now);
        }
        turns = turns.wrapping_add(1);
        match how {
            WaitMethod::Yield => drop(nix::sched::sched_yield()),
            WaitMethod::Sleep if turns > 1 && !lives() => return None,
            WaitMethod::Sleep => futex_wait(turn, other, Some(LONGEST)).ok()?,
            WaitMethod::Spin => {}
        }
        if turns.is_multiple_of(GLANCE) && !lives() {
            return None;
        }
    }
}

/// One word on a cache line of its own, in memory that a forked child shares.
#[derive(Debug)]
struct Shared(NonNull<AtomicU32>);

/// The least that can be mapped is a page; no more than its first line is used.
const LENGTH: NonZeroUsize = NonZeroUsize::new(128).unwrap();

impl Shared {
    #[expect(unsafe_code, reason = "memory to share comes from mmap(2)")]
    fn new() -> io::Result<Shared> {
        let access = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        // SAFETY: the kernel chooses a place that nothing else uses.
        let page = unsafe { mmap_anonymous(None, LENGTH, access, MapFlags::MAP_SHARED)? };
        Ok(Shared(page.cast()))
    }

    #[expect(unsafe_code, reason = "what was mapped is reached through a pointer")]
    fn word(&self) -> &AtomicU32 {
        // SAFETY: the page is mapped, zeroed and aligned for as long as `self` is, and both processes touch the word as
        // an atomic only.
        unsafe { self.0.as_ref() }
    }
}

impl Drop for Shared {
    #[expect(unsafe_code, reason = "what mmap(2) gave goes back by munmap(2)")]
    fn drop(&mut self) {
        // SAFETY: the page is ours alone, and no borrow of the word outlives `self`.
        let _ = unsafe { munmap(self.0.cast(), LENGTH.get()) };
    }
}

// SAFETY: the page can be reached and unmapped from any thread, and its word is an atomic.
#[expect(unsafe_code, reason = "a raw pointer is bound to its thread until it is said otherwise")]
unsafe impl Send for Shared {}

#[cfg(test)]
mod tests {
    use super::*;

    fn hand_over_and_back(how: WaitMethod) -> io::Result<Pid> {
        let partner = ForkedPartner::fork(how)?;
        for _ in 0..3 {
            partner.round_trip()?;
        }
        Ok(partner.pid())
    }

    #[test]
    fn a_turn_comes_back_whatever_the_way_of_waiting_and_no_partner_is_left() {
        for how in [WaitMethod::Yield, WaitMethod::Spin, WaitMethod::Sleep] {
            match hand_over_and_back(how) {
                Ok(pid) => assert_eq!(waitpid(pid, None), Err(nix::Error::ECHILD)),
                Err(error) => assert_eq!(error.kind(), io::ErrorKind::Unsupported),
            }
        }
    }

    #[test]
    fn a_partner_that_was_killed_is_no_hang() {
        let partner = ForkedPartner::fork(WaitMethod::Yield).unwrap();
        kill(partner.pid(), Signal::SIGKILL).unwrap();
        let answer = std::iter::repeat_with(|| partner.round_trip()).find(Result::is_err).unwrap();
        assert_eq!(answer.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }
}
