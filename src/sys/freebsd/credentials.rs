//! The BSDs: getpeereid(3) does not tell the process.

use std::io;
use std::os::fd::BorrowedFd;

use nix::unistd::getpeereid;

use crate::sys::types::Peer;

pub fn peer(socket: BorrowedFd<'_>) -> io::Result<Peer> {
    let (uid, gid) = getpeereid(socket)?;
    Ok(Peer { pid: None, uid, gid })
}
