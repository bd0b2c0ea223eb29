//! Elsewhere the congestion control of a connection and the size of a pipe are the system's.

use std::io;
use std::os::fd::BorrowedFd;

use nix::errno::Errno;

/// `TTYHOG` of the BSDs, less one.
pub const TERMINAL_BUFFER_SIZE: usize = 1023;

pub fn set_congestion_control(_socket: BorrowedFd<'_>, _name: &str) -> io::Result<()> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "this system has no congestion control to choose"))
}

pub fn set_pipe_capacity(_end: BorrowedFd<'_>, _bytes: usize) -> io::Result<()> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "the size of a pipe cannot be set on this system"))
}

/// What a pipe of macOS begins with, and one of FreeBSD has; both may grow.
pub fn pipe_capacity(_end: BorrowedFd<'_>) -> io::Result<usize> {
    Ok(16 * 1024)
}

pub fn vmsplice(_end: BorrowedFd<'_>, _bytes: &[u8]) -> nix::Result<usize> {
    Err(Errno::ENOSYS)
}
