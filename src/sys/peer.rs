//! Who is at the other end of a Unix domain socket: the kernel knows, and cannot be lied to. unix(7).

use std::io;
use std::os::fd::BorrowedFd;

use nix::unistd::{Gid, Pid, Uid};

#[cfg(target_os = "linux")]
#[path = "peer_linux.rs"]
mod system;
#[cfg(target_os = "macos")]
#[path = "peer_macos.rs"]
mod system;
#[cfg(not(any(target_os = "linux", target_os = "macos")))]
#[path = "peer_other.rs"]
mod system;

/// Who was at the other end when the connection was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// Its process, where the system tells.
    pub pid: Option<Pid>,
    /// Its user.
    pub uid: Uid,
    /// Its group.
    pub gid: Gid,
}

/// The peer of `socket`, a connected Unix domain stream socket.
///
/// # Errors
/// Those of `getsockopt(2)`.
pub fn peer(socket: BorrowedFd<'_>) -> io::Result<Peer> {
    system::peer(socket)
}
