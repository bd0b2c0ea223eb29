//! macOS: getpeereid(3), which asks for `LOCAL_PEERCRED`, and `LOCAL_PEERPID`.

use std::io;
use std::os::fd::BorrowedFd;

use nix::sys::socket::{getsockopt, sockopt};
use nix::unistd::{Pid, getpeereid};

use crate::sys::types::PeerCredentials;

pub fn peer_credentials(socket: BorrowedFd<'_>) -> io::Result<PeerCredentials> {
    let (uid, gid) = getpeereid(socket)?;
    let pid = getsockopt(&socket, sockopt::LocalPeerPid).ok().map(Pid::from_raw);
    Ok(PeerCredentials { pid, uid, gid })
}
