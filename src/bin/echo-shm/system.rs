//! System calls for shared memory: an open file in memory, and ways to wake a process.

use std::io;
use std::num::NonZeroUsize;
use std::os::fd::OwnedFd;

use nix::unistd::ftruncate;

pub use kernel::{has_futex, sleep_while_one, wake};

/// A pair of descriptors by which one process wakes another: a read from one end sleeps until a write to the other.
/// An eventfd is both ends.
pub struct Bell {
    pub waiting_end: OwnedFd,
    pub waking_end: OwnedFd,
}

pub fn memory(length: NonZeroUsize) -> io::Result<OwnedFd> {
    let file = kernel::nameless_memory()?;
    ftruncate(&file, i64::try_from(length.get()).map_err(io::Error::other)?)?;
    Ok(file)
}

pub fn bell() -> io::Result<Bell> {
    let (waiting_end, waking_end) = kernel::bell()?;
    Ok(Bell { waiting_end, waking_end })
}

#[cfg(all(target_os = "linux", not(force_portable)))]
mod kernel {
    use std::io;
    use std::os::fd::OwnedFd;
    use std::sync::atomic::AtomicU32;

    use nix::sys::eventfd::{EfdFlags, EventFd};
    use nix::sys::memfd::{MFdFlags, memfd_create};
    use rustix::thread::futex::{self, Flags};

    pub fn nameless_memory() -> io::Result<OwnedFd> {
        Ok(memfd_create("echo-shm", MFdFlags::MFD_CLOEXEC)?)
    }

    pub fn bell() -> io::Result<(OwnedFd, OwnedFd)> {
        let both = OwnedFd::from(EventFd::from_value_and_flags(0, EfdFlags::EFD_CLOEXEC)?);
        Ok((both.try_clone()?, both))
    }

    pub fn has_futex() -> io::Result<()> {
        Ok(())
    }

    /// Sleeps until another process wakes this one, unless the flag is no longer 1: the kernel checks it once more.
    /// Another process shares the flag, so the futex must not be FUTEX_PRIVATE.
    pub fn sleep_while_one(flag: &AtomicU32) {
        let _ = futex::wait(flag, Flags::empty(), 1, None);
    }

    pub fn wake(flag: &AtomicU32) {
        let _ = futex::wake(flag, Flags::empty(), 1);
    }
}

#[cfg(any(not(target_os = "linux"), force_portable))]
mod kernel {
    use std::io;
    use std::os::fd::OwnedFd;
    use std::sync::atomic::{AtomicU32, Ordering};

    use nix::fcntl::OFlag;
    use nix::sys::mman::{shm_open, shm_unlink};
    use nix::sys::stat::Mode;

    /// Makes shared memory with a name, and removes the name at once. macOS allows names of 31 bytes.
    pub fn nameless_memory() -> io::Result<OwnedFd> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("/echo-shm-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let flags = OFlag::O_RDWR | OFlag::O_CREAT | OFlag::O_EXCL;
        let file = shm_open(name.as_str(), flags, Mode::S_IRUSR | Mode::S_IWUSR)?;
        shm_unlink(name.as_str())?;
        Ok(file)
    }

    pub fn bell() -> io::Result<(OwnedFd, OwnedFd)> {
        let (waiting_end, waking_end) = io::pipe()?;
        Ok((waiting_end.into(), waking_end.into()))
    }

    pub fn has_futex() -> io::Result<()> {
        let reason = "only Linux has a futex that processes share through a stable interface";
        Err(io::Error::new(io::ErrorKind::Unsupported, reason))
    }

    pub fn sleep_while_one(_flag: &AtomicU32) {}

    pub fn wake(_flag: &AtomicU32) {}
}
