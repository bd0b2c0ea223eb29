//! macOS: the strings that a process was started with.

use std::ptr;

use nix::errno::Errno;
use nix::libc::{self, c_int};
use nix::unistd::Pid;

/// `KERN_PROCARGS2` of sysctl(3): an int with the number of arguments; then, each ended by NUL, the
/// program's path, padding, the arguments, the environment, and strings from the kernel for the loader.
#[expect(unsafe_code, reason = "sysctl(3) is untyped")]
pub fn strings_at_start(pid: Pid) -> nix::Result<Vec<u8>> {
    // `<sys/syslimits.h>`: execve(2) takes no more, and the kernel accepts no larger room for it.
    const ARG_MAX: usize = 1024 * 1024;
    let mut query = [libc::CTL_KERN, libc::KERN_PROCARGS2, pid.as_raw()];
    let mut block = vec![0; ARG_MAX];
    let mut length = block.len();
    // SAFETY: the query has 3 numbers, `block` has room for `length` bytes, and nothing is to be set.
    let answer = unsafe {
        libc::sysctl(query.as_mut_ptr(), 3, block.as_mut_ptr().cast(), &raw mut length, ptr::null_mut(), 0)
    };
    Errno::result(answer)?;
    block.truncate(length);
    Ok(block)
}

/// The words that it was started with.
pub fn arguments(block: &[u8]) -> impl Iterator<Item = &[u8]> {
    let (count, strings) = counted(block);
    strings.take(count)
}

/// The environment, and the kernel's strings behind it.
pub fn after_arguments(block: &[u8]) -> impl Iterator<Item = &[u8]> {
    let (count, strings) = counted(block);
    strings.skip(count).filter(|entry| !entry.is_empty())
}

/// The number of arguments, and the strings that begin with them.
fn counted(block: &[u8]) -> (usize, impl Iterator<Item = &[u8]>) {
    let (count, strings) = block.split_first_chunk().unwrap_or((&[0; 4], &[]));
    let after_path = strings.split(|&byte| byte == 0).skip(1);
    (c_int::from_ne_bytes(*count).max(0) as usize, after_path.skip_while(|padding| padding.is_empty()))
}
