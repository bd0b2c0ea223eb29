//! macOS: getpeereid(3), which asks for `LOCAL_PEERCRED`, and `LOCAL_PEERPID`.

use std::io;
use std::os::fd::BorrowedFd;

use nix::sys::socket::{getsockopt, sockopt};
use nix::unistd::{Pid, getpeereid};

use crate::sys::types::Peer;

pub fn peer(socket: BorrowedFd<'_>) -> io::Result<Peer> {
    let (uid, gid) = getpeereid(socket)?;
    let pid = getsockopt(&socket, sockopt::LocalPeerPid).ok().map(Pid::from_raw);
    Ok(Peer { pid, uid, gid })
}
