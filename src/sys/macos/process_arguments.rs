//! The command line and environment that a process was started with: `KERN_PROCARGS2` of sysctl(3).

use std::ptr;

use nix::errno::Errno;
use nix::libc::{self, c_int};
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

/// Returns the program's arguments, its name first, from a block that `KERN_PROCARGS2` of sysctl(3) returned.
pub fn arguments(block: &[u8]) -> impl Iterator<Item = &[u8]> {
    let (count, strings) = count_and_strings(block);
    strings.take(count)
}

/// Returns the environment from a block that `KERN_PROCARGS2` of sysctl(3) returned. The kernel's strings for the
/// loader follow it.
pub fn environment(block: &[u8]) -> impl Iterator<Item = &[u8]> {
    let (count, strings) = count_and_strings(block);
    strings.skip(count).filter(|entry| !entry.is_empty())
}

/// Returns the number of arguments in a block of `KERN_PROCARGS2` of sysctl(3), and the block's strings from the first
/// argument on.
fn count_and_strings(block: &[u8]) -> (usize, impl Iterator<Item = &[u8]>) {
    let (count, strings) = block.split_first_chunk().unwrap_or((&[0; 4], &[]));
    let after_path = strings.split(|&byte| byte == 0).skip(1);
    (c_int::from_ne_bytes(*count).max(0) as usize, after_path.skip_while(|padding| padding.is_empty()))
}
