//! What Linux alone lets one set: `TCP_CONGESTION` (tcp(7)) and `F_SETPIPE_SZ` (fcntl(2)).

use std::ffi::OsString;
use std::io;
use std::os::fd::BorrowedFd;

use nix::fcntl::{FcntlArg, fcntl};
use nix::libc::c_int;
use nix::sys::socket::{setsockopt, sockopt};

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
