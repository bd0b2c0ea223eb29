//! Signals: signal(7), sigqueue(3), sigwaitinfo(2).

use std::mem::MaybeUninit;
use std::{fs, io, ptr};

use nix::errno::Errno;
use nix::libc::{self, c_int, c_void, pid_t, sigset_t, sigval, timespec};
use nix::unistd::Pid;
use procfs::process::Process as ProcEntry;

use super::process::to_io;
use crate::sys::types::SignalSets;

/// The signals with which a user asks a running program for its status.
pub const STATUS_SIGNALS: &[i32] = &[libc::SIGUSR1];

/// Returns the signals that `pid` blocks and ignores.
///
/// # Errors
/// `NotFound` if the process does not exist.
pub fn signal_sets(pid: Pid) -> io::Result<SignalSets> {
    let status = ProcEntry::new(pid.as_raw()).and_then(|entry| entry.status()).map_err(to_io)?;
    Ok(SignalSets { blocked: status.sigblk, ignored: status.sigign, caught: status.sigcgt })
}

static NO_WAIT: timespec = timespec { tv_sec: 0, tv_nsec: 0 };

/// A channel for messages to and from one process, each sent as a real-time signal with a value.
///
/// The signal's number encodes the length of the message, and its value holds the bytes. Messages of one length keep
/// their order. Of pending messages, the shortest arrives first.
pub struct QueuedSignals {
    peer: pid_t,
    set: sigset_t,
    first: c_int,
    blocking: bool,
}

impl QueuedSignals {
    /// The length in bytes of the largest message that one signal can carry: the size of a pointer.
    pub const MAX_MESSAGE: usize = size_of::<usize>();

    /// Prepares to exchange messages with the process `peer`. Blocks the real-time signals that carry the messages, in
    /// the calling thread and in threads that it starts later. Without `blocking`, [`receive`](QueuedSignals::receive)
    /// returns `EAGAIN` instead of waiting.
    ///
    /// # Errors
    /// `Unsupported` in a process with several threads: the kernel would deliver a signal to a thread that has not
    /// blocked it, which ends the process.
    pub fn open(peer: i32, blocking: bool) -> io::Result<QueuedSignals> {
        let threads = fs::read_dir("/proc/self/task").map_or(1, Iterator::count);
        if threads > 1 {
            let reason = format!(
                "a real-time signal ends a process if any of its {threads} threads does not block the signal"
            );
            return Err(io::Error::new(io::ErrorKind::Unsupported, reason));
        }
        let first = libc::SIGRTMIN();
        let mut set = MaybeUninit::uninit();
        #[expect(unsafe_code, reason = "nix's signal sets have no real-time signals")]
        // SAFETY: sigemptyset(3) initializes the set before it is used. The mask changes for this thread only.
        let set = unsafe {
            libc::sigemptyset(set.as_mut_ptr());
            let mut set = set.assume_init();
            for number in first..=first + QueuedSignals::MAX_MESSAGE as c_int {
                Errno::result(libc::sigaddset(&raw mut set, number))?;
            }
            match libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, ptr::null_mut()) {
                0 => set,
                error => return Err(io::Error::from_raw_os_error(error)),
            }
        };
        Ok(QueuedSignals { peer, set, first, blocking })
    }

    /// Sends one message to the peer as a queued signal.
    ///
    /// # Errors
    /// `EMSGSIZE` if it is longer than [`MAX_MESSAGE`](QueuedSignals::MAX_MESSAGE); `EAGAIN` if too many signals are
    /// pending; else those of sigqueue(3).
    #[inline]
    pub fn send(&self, bytes: &[u8]) -> nix::Result<()> {
        let mut value = [0; size_of::<usize>()];
        value.get_mut(..bytes.len()).ok_or(Errno::EMSGSIZE)?.copy_from_slice(bytes);
        let value = sigval { sival_ptr: ptr::without_provenance_mut::<c_void>(usize::from_ne_bytes(value)) };
        #[expect(unsafe_code, reason = "sigqueue(3) has no safe wrapper")]
        // SAFETY: sigqueue(3) takes integers. No process dereferences the pointer, which holds the message's bytes.
        Errno::result(unsafe { libc::sigqueue(self.peer, self.first + bytes.len() as c_int, value) })
            .map(drop)
    }

    /// Receives one message from the peer into `buffer` and returns the message's length. Bytes beyond the buffer's
    /// end are lost. Signals from other processes are discarded.
    ///
    /// # Errors
    /// Those of sigtimedwait(2).
    #[inline]
    pub fn receive(&self, buffer: &mut [u8]) -> nix::Result<usize> {
        loop {
            let mut info = MaybeUninit::<libc::siginfo_t>::uninit();
            let limit = if self.blocking { ptr::null() } else { &raw const NO_WAIT };
            #[expect(unsafe_code, reason = "sigtimedwait(2) has no safe wrapper")]
            // SAFETY: the set is initialized, and the call writes one siginfo_t into `info`.
            let number = unsafe { libc::sigtimedwait(&raw const self.set, info.as_mut_ptr(), limit) };
            let number = Errno::result(number)?;
            #[expect(unsafe_code, reason = "siginfo_t contains a union")]
            // SAFETY: the call has succeeded, so it has written `info`. A signal from a process has these members.
            let (sender, value) = unsafe {
                let info = info.assume_init_ref();
                (info.si_pid(), info.si_value().sival_ptr)
            };
            if sender == self.peer {
                let length = usize::try_from(number - self.first).unwrap_or_default();
                let kept = length.min(buffer.len());
                buffer[..kept].copy_from_slice(&value.addr().to_ne_bytes()[..kept]);
                return Ok(length);
            }
        }
    }
}
