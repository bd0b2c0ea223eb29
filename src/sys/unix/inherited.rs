//! Descriptors by the numbers under which a launcher has passed them.

use std::io;
use std::os::fd::{BorrowedFd, FromRawFd, OwnedFd, RawFd};

use nix::fcntl::{FcntlArg, fcntl};

/// Takes over descriptor `number`, which this program was started with, and which nothing else in it may use. To be
/// called once for each.
///
/// # Errors
/// `EBADF` where it was started without one.
#[expect(unsafe_code, reason = "only by its number can a program name what it was started with")]
pub fn take_inherited_descriptor(number: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: the borrow lasts for one call, which for a number that is not open gives EBADF and changes nothing.
    fcntl(unsafe { BorrowedFd::borrow_raw(number) }, FcntlArg::F_GETFD)?;
    // SAFETY: it is open, and by this function's contract nothing else owns or closes it.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}
