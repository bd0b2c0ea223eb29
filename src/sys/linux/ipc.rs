//! What Linux alone lets one set, `TCP_CONGESTION` (tcp(7)) and `F_SETPIPE_SZ` (fcntl(2)), and do, `vmsplice(2)`.

use std::ffi::OsString;
use std::io;
use std::os::fd::BorrowedFd;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc::c_int;
use nix::sys::socket::{setsockopt, sockopt};

use rustix::pipe::{self, IoSliceRaw, SpliceFlags};

/// `N_TTY_BUF_SIZE` of the kernel's n_tty.c, less one.
pub const TERMINAL_BUFFER_SIZE: usize = 4095;

pub fn set_congestion_control(socket: BorrowedFd<'_>, name: &str) -> io::Result<()> {
    Ok(setsockopt(&socket, sockopt::TcpCongestion, &OsString::from(name))?)
}

pub fn set_pipe_capacity(end: BorrowedFd<'_>, bytes: usize) -> io::Result<()> {
    let wanted = c_int::try_from(bytes).map_err(|_| io::ErrorKind::InvalidInput)?;
    fcntl(end, FcntlArg::F_SETPIPE_SZ(wanted))?;
    Ok(())
}

pub fn pipe_capacity(end: BorrowedFd<'_>) -> io::Result<usize> {
    Ok(usize::try_from(fcntl(end, FcntlArg::F_GETPIPE_SZ)?).unwrap_or_default())
}

/// The pages are not given away (`SPLICE_F_GIFT`): we go on reading them.
pub fn vmsplice(end: BorrowedFd<'_>, bytes: &[u8]) -> nix::Result<usize> {
    #[expect(unsafe_code, reason = "vmsplice(2)")]
    // SAFETY: the kernel reads the bytes, now and later, and holds the pages for as long. Who changes them meanwhile
    // changes what the reader gets, which is what the caller was told.
    let lent = unsafe { pipe::vmsplice(end, &[IoSliceRaw::from_slice(bytes)], SpliceFlags::empty()) };
    lent.map_err(|errno| Errno::from_raw(errno.raw_os_error()))
}
