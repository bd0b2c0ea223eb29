//! Pipes and pseudo-terminals: fcntl(2), `vmsplice(2)`.

use std::io;
use std::os::fd::BorrowedFd;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc::c_int;
use rustix::pipe::{self, IoSliceRaw, SpliceFlags};

/// The number of bytes that each direction of a pseudo-terminal holds at least: one less than `N_TTY_BUF_SIZE` in the
/// kernel's `n_tty.c`.
pub const TERMINAL_BUFFER_SIZE: usize = 4095;

/// Makes the pipe of the descriptor `end` hold at least `bytes` bytes: `F_SETPIPE_SZ`.
///
/// # Errors
/// `PermissionDenied` beyond `/proc/sys/fs/pipe-max-size`.
pub fn set_pipe_capacity(end: BorrowedFd<'_>, bytes: usize) -> io::Result<()> {
    let wanted = c_int::try_from(bytes).map_err(|_| io::ErrorKind::InvalidInput)?;
    fcntl(end, FcntlArg::F_SETPIPE_SZ(wanted))?;
    Ok(())
}

/// Returns how many bytes the pipe of the descriptor `end` holds: `F_GETPIPE_SZ`.
///
/// # Errors
/// Those of fcntl(2).
pub fn pipe_capacity(end: BorrowedFd<'_>) -> io::Result<usize> {
    Ok(usize::try_from(fcntl(end, FcntlArg::F_GETPIPE_SZ)?).unwrap_or_default())
}

/// Maps the memory of `bytes` into the pipe of the descriptor `end`, as far as there is room. Returns how many bytes
/// were mapped.
///
/// The reader gets the bytes as they are when it reads. The caller must not change them before the last of them is
/// read. The flag `SPLICE_F_GIFT` is not set, because this process goes on using the pages.
///
/// # Errors
/// Those of `vmsplice(2)`.
#[inline]
pub fn vmsplice(end: BorrowedFd<'_>, bytes: &[u8]) -> nix::Result<usize> {
    #[expect(unsafe_code, reason = "rustix marks vmsplice(2) as unsafe")]
    // SAFETY: the kernel only reads the bytes, and keeps the pages allocated until the pipe is read. If they change
    // meanwhile, the reader gets other bytes, as documented above.
    let spliced = unsafe { pipe::vmsplice(end, &[IoSliceRaw::from_slice(bytes)], SpliceFlags::empty()) };
    spliced.map_err(|errno| Errno::from_raw(errno.raw_os_error()))
}
