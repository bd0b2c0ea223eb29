//! Whether io_uring(7) is to be had.

use std::io;
use std::ptr;

use nix::errno::Errno;
use nix::libc;

/// Asks for a ring without saying of what kind: whoever may have one is told that the address is bad, and whoever may
/// not (`kernel.io_uring_disabled`, a seccomp filter) is told that first.
#[expect(unsafe_code, reason = "io_uring_setup(2) has no binding in libc")]
pub fn io_uring() -> io::Result<()> {
    // SAFETY: the kernel copies the parameters from where there are none, and so only answers EFAULT.
    let answer = unsafe { libc::syscall(libc::SYS_io_uring_setup, 1, ptr::null_mut::<libc::c_void>()) };
    match Errno::result(answer) {
        Err(Errno::EFAULT) | Ok(_) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
