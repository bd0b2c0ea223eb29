//! Linux: `SO_PEERCRED`, unix(7).

use std::io;
use std::os::fd::BorrowedFd;

use nix::sys::socket::{getsockopt, sockopt};
use nix::unistd::{Gid, Pid, Uid};

use crate::sys::types::PeerCredentials;

pub fn peer_credentials(socket: BorrowedFd<'_>) -> io::Result<PeerCredentials> {
    let found = getsockopt(&socket, sockopt::PeerCredentials)?;
    // 0 for a process outside of this one's PID namespace.
    let pid = Some(found.pid()).filter(|&pid| pid > 0).map(Pid::from_raw);
    Ok(PeerCredentials { pid, uid: Uid::from_raw(found.uid()), gid: Gid::from_raw(found.gid()) })
}
