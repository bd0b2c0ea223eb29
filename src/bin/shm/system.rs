//! What sharing memory asks of the system: an open file that is only memory, and a way to be woken.

use std::io;
use std::num::NonZeroUsize;
use std::os::fd::OwnedFd;

use nix::unistd::ftruncate;

pub use kernel::{has_futex, sleep_while_one, wake};

/// Who listens sleeps until the other strikes. An eventfd is both ends at once.
pub struct Bell {
    pub listen: OwnedFd,
    pub strike: OwnedFd,
}

pub fn memory(length: NonZeroUsize) -> io::Result<OwnedFd> {
    let file = kernel::nameless_memory()?;
    ftruncate(&file, i64::try_from(length.get()).map_err(io::Error::other)?)?;
    Ok(file)
}

pub fn bell() -> io::Result<Bell> {
    let (listen, strike) = kernel::bell()?;
    Ok(Bell { listen, strike })
}

#[cfg(target_os = "linux")]
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

    /// The kernel looks once more, and comes back at once where the flag has been lowered. The flag
    /// is shared with another process, so it must not be FUTEX_PRIVATE.
    pub fn sleep_while_one(flag: &AtomicU32) {
        let _ = futex::wait(flag, Flags::empty(), 1, None);
    }

    pub fn wake(flag: &AtomicU32) {
        let _ = futex::wake(flag, Flags::empty(), 1);
    }
}

#[cfg(not(target_os = "linux"))]
mod kernel {
    use std::io;
    use std::os::fd::OwnedFd;
    use std::sync::atomic::{AtomicU32, Ordering};

    use nix::fcntl::OFlag;
    use nix::sys::mman::{shm_open, shm_unlink};
    use nix::sys::stat::Mode;

    /// The name is gone before anybody could use it; macOS allows 31 bytes for one.
    pub fn nameless_memory() -> io::Result<OwnedFd> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("/echo-shm-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let flags = OFlag::O_RDWR | OFlag::O_CREAT | OFlag::O_EXCL;
        let file = shm_open(name.as_str(), flags, Mode::S_IRUSR | Mode::S_IWUSR)?;
        shm_unlink(name.as_str())?;
        Ok(file)
    }

    pub fn bell() -> io::Result<(OwnedFd, OwnedFd)> {
        let (listen, strike) = io::pipe()?;
        Ok((listen.into(), strike.into()))
    }

    pub fn has_futex() -> io::Result<()> {
        let reason = "only Linux has a futex that processes share through a stable interface";
        Err(io::Error::new(io::ErrorKind::Unsupported, reason))
    }

    pub fn sleep_while_one(_flag: &AtomicU32) {}

    pub fn wake(_flag: &AtomicU32) {}
}
