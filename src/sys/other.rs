//! FreeBSD and every other Unix that is neither Linux nor macOS: kqueue tells when a process ends, and the
//! rest is honestly unsupported, because `/proc` need not be mounted there.

use std::io;
#[cfg(not(target_os = "freebsd"))]
use std::os::fd::BorrowedFd;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::Command;

use nix::unistd::Pid;

pub use super::kqueue::{exit_status, wait_for_exit};
use super::{Descriptor, Process};

/// The signals by which a user asks what is going on.
pub const QUESTIONS: &[i32] = &[nix::libc::SIGUSR1];

pub fn processes() -> io::Result<Vec<Process>> {
    cannot_tell()
}

pub fn children(_parent: Pid) -> io::Result<Vec<Process>> {
    cannot_tell()
}

pub fn may_be_ours(process: &Process) -> bool {
    process.parent == Pid::this()
}

pub fn descriptors(_pid: Pid) -> io::Result<Vec<Descriptor>> {
    cannot_tell()
}

/// There are no names that vanish with their process.
pub fn claim(_name: &str) -> io::Result<Option<OwnedFd>> {
    Ok(None)
}

pub fn descriptor_count(pid: Pid) -> io::Result<usize> {
    descriptors(pid).map(|table| table.len())
}

pub fn has_mark(_pid: Pid, _name: &str, _value: &str) -> io::Result<bool> {
    cannot_tell()
}

fn cannot_tell<T>() -> io::Result<T> {
    Err(io::ErrorKind::Unsupported.into())
}

pub fn program(_pid: Pid) -> Option<PathBuf> {
    None
}

pub fn blocked_in(_pid: Pid) -> Option<String> {
    None
}

/// Orphans go to init.
pub fn adopt_orphans() {}

/// The child stays when its parent dies.
pub fn end_with_parent(_command: &mut Command) {}

#[cfg(target_os = "freebsd")]
pub use send_buffer::unsent_bytes;

#[cfg(not(target_os = "freebsd"))]
pub fn unsent_bytes(_socket: BorrowedFd<'_>) -> io::Result<usize> {
    cannot_tell()
}

#[cfg(target_os = "freebsd")]
mod send_buffer {
    use std::io;
    use std::os::fd::{AsRawFd, BorrowedFd};

    nix::ioctl_read_bad!(fionwrite, nix::libc::FIONWRITE, nix::libc::c_int);

    /// `FIONWRITE` of `<sys/filio.h>`: what is in the send buffer, where TCP keeps bytes until they are
    /// acknowledged.
    #[expect(unsafe_code, reason = "ioctl(2) is untyped")]
    pub fn unsent_bytes(socket: BorrowedFd<'_>) -> io::Result<usize> {
        let mut bytes = 0;
        // SAFETY: FIONWRITE writes one int, and `bytes` is one.
        unsafe { fionwrite(socket.as_raw_fd(), &raw mut bytes) }?;
        usize::try_from(bytes).map_err(io::Error::other)
    }
}
