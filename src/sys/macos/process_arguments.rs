//! The command line and environment that a process was started with: `KERN_PROCARGS2` of sysctl(3).
//!
//! `start_strings` in the folder `types` splits the block that the kernel returns.

use std::ptr;

use nix::errno::Errno;
use nix::libc;
use nix::unistd::Pid;

/// Reads the arguments and the environment that the process `pid` was started with, as one block of bytes:
/// `KERN_PROCARGS2` of sysctl(3).
///
/// It begins with the number of arguments as an int. Strings follow, each ended by NUL: the program's path, padding,
/// the arguments, the environment, and strings from the kernel for the dynamic loader.
#[expect(unsafe_code, reason = "sysctl(3) is untyped")]
pub fn start_strings(pid: Pid) -> nix::Result<Vec<u8>> {
    // From `<sys/syslimits.h>`. execve(2) accepts no more bytes, and the kernel refuses a larger buffer.
    const ARG_MAX: usize = 1024 * 1024;
    let mut query = [libc::CTL_KERN, libc::KERN_PROCARGS2, pid.as_raw()];
    let mut block = vec![0; ARG_MAX];
    let mut length = block.len();
    // SAFETY: the query has 3 numbers, `block` has room for `length` bytes, and no new value is set.
    let answer = unsafe {
        libc::sysctl(query.as_mut_ptr(), 3, block.as_mut_ptr().cast(), &raw mut length, ptr::null_mut(), 0)
    };
    Errno::result(answer)?;
    block.truncate(length);
    Ok(block)
}
