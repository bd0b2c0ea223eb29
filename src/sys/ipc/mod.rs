//! What of the mechanisms themselves differs between systems.

use std::io;
use std::os::fd::BorrowedFd;
use std::sync::atomic::AtomicU32;

mod queues;
mod rights;
mod rings;
mod signals;
mod terminal;

pub use queues::{
    Holds, Queue, has_system_v_queue, raise_queue_limit, remove_posix_queue, remove_system_v_queue,
};
pub use rights::receive_descriptors;
pub use rings::{HangUp, RING_SIZE, RingReader, RingWriter, rings};
pub use signals::Signals;
pub use terminal::terminal;

#[cfg(target_os = "linux")]
#[path = "linux.rs"]
mod system;
#[cfg(not(target_os = "linux"))]
#[path = "other.rs"]
mod system;

/// How many bytes each direction of a pseudo-terminal certainly holds.
pub const TERMINAL_ROOM: usize = system::TERMINAL_ROOM;

/// Has a TCP socket use the congestion control called `name` from now on: `TCP_CONGESTION`, tcp(7).
///
/// # Errors
/// `NotFound` where the kernel has none of this name; `Unsupported` where there is no choice.
pub fn set_congestion_control(socket: BorrowedFd<'_>, name: &str) -> io::Result<()> {
    system::set_congestion_control(socket, name)
}

/// Makes a pipe hold at least `bytes`, at either end: `F_SETPIPE_SZ`, fcntl(2).
///
/// # Errors
/// `PermissionDenied` beyond `/proc/sys/fs/pipe-max-size`; `Unsupported` where pipes have the size that they have.
pub fn set_pipe_capacity(end: BorrowedFd<'_>, bytes: usize) -> io::Result<()> {
    system::set_pipe_capacity(end, bytes)
}

/// How many bytes a pipe holds, told at either end; where the system does not tell, what it certainly holds.
///
/// # Errors
/// Those of `fcntl(2)`.
pub fn pipe_capacity(end: BorrowedFd<'_>) -> io::Result<usize> {
    system::pipe_capacity(end)
}

/// Has a pipe hold the memory of `bytes` itself, of as many as there is room for: vmsplice(2). Whoever reads the pipe gets
/// them as they are then, so they are to stay as they are until the last of them was read.
///
/// # Errors
/// Those of vmsplice(2); ENOSYS where there is none.
#[inline]
pub fn lend(end: BorrowedFd<'_>, bytes: &[u8]) -> nix::Result<usize> {
    system::lend(end, bytes)
}

/// Sleeps while `flag`, which lies in memory shared with another process, is 1, until it is woken. It may come back
/// early. futex(2).
fn sleep_while_one(flag: &AtomicU32) {
    system::sleep_while_one(flag);
}

/// Wakes one that [sleeps](sleep_while_one) by `flag`.
fn wake(flag: &AtomicU32) {
    system::wake(flag);
}
