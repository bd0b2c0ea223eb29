//! Descriptors that this process was itself started with must not travel on to servers.

use std::fs;
use std::os::fd::{BorrowedFd, RawFd};

use nix::fcntl::{FcntlArg, FdFlag, fcntl};

/// Marks every descriptor above 2 close-on-exec, so that a server starts with exactly what it is given.
/// A shell, a CI runner or a build tool may have left some open without it.
///
/// Call it at the start of a program, before other threads open descriptors. `/dev/fd` lists the
/// calling process's own table on Linux, macOS and (with fdescfs) FreeBSD.
pub fn mark_descriptors_close_on_exec() {
    let Ok(table) = fs::read_dir("/dev/fd") else { return };
    let numbers = table.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    for number in numbers.filter(|&number: &RawFd| number > 2).collect::<Vec<_>>() {
        seal(number);
    }
}

#[expect(unsafe_code, reason = "the table lists numbers, and only a borrow gives them a type")]
fn seal(number: RawFd) {
    // SAFETY: the borrow lasts for these two calls alone and closes nothing; a number that has been
    // closed meanwhile gives EBADF, which is fine.
    let descriptor = unsafe { BorrowedFd::borrow_raw(number) };
    if let Ok(bits) = fcntl(descriptor, FcntlArg::F_GETFD) {
        let flags = FdFlag::from_bits_retain(bits) | FdFlag::FD_CLOEXEC;
        let _ = fcntl(descriptor, FcntlArg::F_SETFD(flags));
    }
}
