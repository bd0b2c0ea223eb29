//! The clients' side of real-time signals: signal(7), sigqueue(3), sigwaitinfo(2).

use std::mem::MaybeUninit;
use std::{fs, io, ptr};

use nix::errno::Errno;
use nix::libc::{self, c_int, c_void, pid_t, sigset_t, sigval, timespec};

static AT_ONCE: timespec = timespec { tv_sec: 0, tv_nsec: 0 };

pub struct QueuedSignals {
    peer: pid_t,
    set: sigset_t,
    first: c_int,
    waits: bool,
}

impl QueuedSignals {
    /// The largest message in bytes: what a pointer holds.
    pub const MAX_MESSAGE: usize = size_of::<usize>();

    pub fn open(peer: i32, waits: bool) -> io::Result<QueuedSignals> {
        let threads = fs::read_dir("/proc/self/task").map_or(1, Iterator::count);
        if threads > 1 {
            let reason =
                format!("signals come to a process, and any of its {threads} threads would end it by one");
            return Err(io::Error::new(io::ErrorKind::Unsupported, reason));
        }
        let first = libc::SIGRTMIN();
        let mut set = MaybeUninit::uninit();
        #[expect(unsafe_code, reason = "nix's sets have no real-time signals")]
        // SAFETY: the set is initialised before anything is added, and the mask changes for this thread alone.
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
        Ok(QueuedSignals { peer, set, first, waits })
    }

    #[inline]
    pub fn send(&self, bytes: &[u8]) -> nix::Result<()> {
        let mut value = [0; size_of::<usize>()];
        value.get_mut(..bytes.len()).ok_or(Errno::EMSGSIZE)?.copy_from_slice(bytes);
        let value = sigval { sival_ptr: ptr::without_provenance_mut::<c_void>(usize::from_ne_bytes(value)) };
        #[expect(unsafe_code, reason = "sigqueue(3)")]
        // SAFETY: it takes numbers; what looks like a pointer is none, here and there.
        Errno::result(unsafe { libc::sigqueue(self.peer, self.first + bytes.len() as c_int, value) })
            .map(drop)
    }

    #[inline]
    pub fn receive(&self, buffer: &mut [u8]) -> nix::Result<usize> {
        loop {
            let mut info = MaybeUninit::<libc::siginfo_t>::uninit();
            let limit = if self.waits { ptr::null() } else { &raw const AT_ONCE };
            #[expect(unsafe_code, reason = "sigtimedwait(2)")]
            // SAFETY: the set is initialised, and the call fills in the information.
            let number = unsafe { libc::sigtimedwait(&raw const self.set, info.as_mut_ptr(), limit) };
            let number = Errno::result(number)?;
            #[expect(unsafe_code, reason = "the union of siginfo_t")]
            // SAFETY: filled in by the call; the members of a signal that a process sent.
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
