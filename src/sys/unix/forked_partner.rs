//! A child process that answers through one word of shared memory. The comparison measures it as a lower bound for
//! every transport.

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

use super::launch::with_launch_lock;
use crate::sys::system::futex::{futex_wait, futex_wake};

/// The way in which a process and its forked partner wait for each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartnerWaitMode {
    /// Each process waits with `sched_yield(2)`, for two processes on one processor.
    Yield,
    /// Each process waits by reading the shared word again and again, for two processors.
    Spin,
    /// Each process waits by sleeping in the kernel until the other process wakes it: futex(2).
    Sleep,
}

// Values of the shared word.
const PARENTS_TURN: u32 = 0;
const CHILDS_TURN: u32 = 1;
const END: u32 = 2;

/// The longest time that a process sleeps before it checks that its forked partner is alive. The timer costs less than
/// 0.1 µs.
const MAX_SLEEP: Duration = Duration::from_millis(100);

/// The number of iterations of a waiting process between two checks that its forked partner is alive.
const ITERATIONS_PER_CHECK: u32 = 1 << 14;

/// A child process that takes turns with this process and hands every turn back at once. It exits when the value is
/// dropped, and soon after this process has exited for any reason.
#[derive(Debug)]
pub struct ForkedPartner {
    pid: Pid,
    turn: Shared,
    how: PartnerWaitMode,
}

impl ForkedPartner {
    /// Forks the partner, a child of this process.
    ///
    /// # Errors
    /// Those of `mmap(2)` and `fork(2)`; `Unsupported` for [`PartnerWaitMode::Sleep`] if the system has no futex.
    #[expect(unsafe_code, reason = "the child shares memory and executes no program, so it needs fork(2)")]
    pub fn fork(how: PartnerWaitMode) -> io::Result<ForkedPartner> {
        let turn = Shared::new()?;
        if how == PartnerWaitMode::Sleep {
            futex_wake(turn.word())?;
        }
        let parent = Pid::this();
        // The child keeps all signals blocked, because handlers of this process must not run in it.
        let former = SigSet::all().thread_swap_mask(SigmaskHow::SIG_SETMASK)?;
        // SAFETY: other threads may hold locks now, so the child must take none. It allocates nothing, accesses one
        // shared word, makes system calls, and exits with _exit(2).
        let forked = with_launch_lock(|| unsafe { fork() });
        let child = match forked {
            Ok(ForkResult::Child) => {
                serve(turn.word(), how, parent);
                // SAFETY: _exit(2) runs no code of this program.
                unsafe { libc::_exit(0) };
            }
            Ok(ForkResult::Parent { child }) => Ok(child),
            Err(error) => Err(error),
        };
        former.thread_set_mask()?;
        Ok(ForkedPartner { pid: child?, turn, how })
    }

    /// Returns the process id of the forked partner.
    #[must_use]
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// Returns whether the forked partner sleeps until it is woken.
    #[must_use]
    pub fn sleeps(&self) -> bool {
        self.how == PartnerWaitMode::Sleep
    }

    /// Gives the forked partner its turn and waits until it hands the turn back.
    ///
    /// # Errors
    /// `BrokenPipe` if the child was killed.
    pub fn round_trip(&self) -> io::Result<()> {
        hand_over(self.turn.word(), CHILDS_TURN, self.how);
        let is_alive = || waitpid(self.pid, Some(WaitPidFlag::WNOHANG)) == Ok(WaitStatus::StillAlive);
        match await_turn(self.turn.word(), CHILDS_TURN, self.how, is_alive) {
            Some(PARENTS_TURN) => Ok(()),
            _ => Err(io::Error::new(io::ErrorKind::BrokenPipe, "the partner process was killed")),
        }
    }
}

impl Drop for ForkedPartner {
    fn drop(&mut self) {
        hand_over(self.turn.word(), END, self.how);
        let still = waitpid(self.pid, Some(WaitPidFlag::WNOHANG)) == Ok(WaitStatus::StillAlive);
        if still && kill(self.pid, Signal::SIGKILL).is_ok() {
            let _ = waitpid(self.pid, None);
        }
    }
}

/// Runs in the forked partner and hands every turn back. The function must neither allocate nor take a lock.
fn serve(turn: &AtomicU32, how: PartnerWaitMode, parent: Pid) {
    while await_turn(turn, PARENTS_TURN, how, || getppid() == parent) == Some(CHILDS_TURN) {
        hand_over(turn, PARENTS_TURN, how);
    }
}

#[inline]
fn hand_over(turn: &AtomicU32, to: u32, how: PartnerWaitMode) {
    turn.store(to, Ordering::Release);
    if how == PartnerWaitMode::Sleep {
        let _ = futex_wake(turn);
    }
}

/// Waits until the shared word is no longer `other`, and returns its value. `None` if the process that should change it
/// has exited.
#[inline]
fn await_turn(
    turn: &AtomicU32,
    other: u32,
    how: PartnerWaitMode,
    is_alive: impl Fn() -> bool,
) -> Option<u32> {
    let mut iterations = 0_u32;
    loop {
        let now = turn.load(Ordering::Acquire);
        if now != other {
            return Some(now);
        }
        iterations = iterations.wrapping_add(1);
        match how {
            PartnerWaitMode::Yield => drop(nix::sched::sched_yield()),
            PartnerWaitMode::Sleep if iterations > 1 && !is_alive() => return None,
            PartnerWaitMode::Sleep => futex_wait(turn, other, Some(MAX_SLEEP)).ok()?,
            PartnerWaitMode::Spin => {}
        }
        if iterations.is_multiple_of(ITERATIONS_PER_CHECK) && !is_alive() {
            return None;
        }
    }
}

/// A word in memory that this process shares with its forked partner.
#[derive(Debug)]
struct Shared(NonNull<AtomicU32>);

/// The size of the memory shared with the forked partner. The kernel maps a whole page; only the first cache line is
/// used.
const LENGTH: NonZeroUsize = NonZeroUsize::new(128).unwrap();

impl Shared {
    #[expect(unsafe_code, reason = "shared memory comes from mmap(2)")]
    fn new() -> io::Result<Shared> {
        let access = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        // SAFETY: the kernel chooses unused addresses.
        let page = unsafe { mmap_anonymous(None, LENGTH, access, MapFlags::MAP_SHARED)? };
        Ok(Shared(page.cast()))
    }

    #[expect(unsafe_code, reason = "mmap(2) returns a raw pointer")]
    fn word(&self) -> &AtomicU32 {
        // SAFETY: the page is mapped, initialized and aligned as long as `self` exists. Both processes access the
        // word only as an atomic.
        unsafe { self.0.as_ref() }
    }
}

impl Drop for Shared {
    #[expect(unsafe_code, reason = "munmap(2) takes a raw pointer")]
    fn drop(&mut self) {
        // SAFETY: the page was mapped with this length, and no reference to the word outlives `self`.
        let _ = unsafe { munmap(self.0.cast(), LENGTH.get()) };
    }
}

// SAFETY: any thread can access and unmap the page, and the word is an atomic.
#[expect(unsafe_code, reason = "a raw pointer is not Send by itself")]
unsafe impl Send for Shared {}

#[cfg(test)]
mod tests {
    use super::*;

    fn hand_over_and_back(how: PartnerWaitMode) -> io::Result<Pid> {
        let partner = ForkedPartner::fork(how)?;
        for _ in 0..3 {
            partner.round_trip()?;
        }
        Ok(partner.pid())
    }

    #[test]
    fn partner_returns_each_turn_and_is_reaped() {
        for how in [PartnerWaitMode::Yield, PartnerWaitMode::Spin, PartnerWaitMode::Sleep] {
            match hand_over_and_back(how) {
                Ok(pid) => assert_eq!(waitpid(pid, None), Err(nix::Error::ECHILD)),
                Err(error) => assert_eq!(error.kind(), io::ErrorKind::Unsupported),
            }
        }
    }

    #[test]
    fn killed_partner_gives_an_error() {
        let partner = ForkedPartner::fork(PartnerWaitMode::Yield).unwrap();
        kill(partner.pid(), Signal::SIGKILL).unwrap();
        let answer = std::iter::repeat_with(|| partner.round_trip()).find(Result::is_err).unwrap();
        assert_eq!(answer.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }
}
