//! Pipes and pseudo-terminals: their sizes are fixed.

use std::io;
use std::os::fd::BorrowedFd;

use nix::errno::Errno;

use super::unsupported;

/// The number of bytes that each direction of a pseudo-terminal holds at least: one less than `TTYHOG` of the BSDs.
pub const TERMINAL_BUFFER_SIZE: usize = 1023;

/// Returns `Unsupported`: the size of a pipe is fixed on this system.
pub fn set_pipe_capacity(_end: BorrowedFd<'_>, _bytes: usize) -> io::Result<()> {
    unsupported("the size of a pipe cannot be set on this system")
}

/// Returns how many bytes a pipe holds at least: the initial size on macOS and FreeBSD, where a pipe may grow.
pub fn pipe_capacity(_end: BorrowedFd<'_>) -> io::Result<usize> {
    Ok(16 * 1024)
}

/// Returns `ENOSYS`: this system has no `vmsplice(2)`.
pub fn vmsplice(_end: BorrowedFd<'_>, _bytes: &[u8]) -> nix::Result<usize> {
    Err(Errno::ENOSYS)
}
