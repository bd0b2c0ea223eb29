//! The BSDs: getpeereid(3) does not tell the process.

use std::io;
use std::os::fd::BorrowedFd;

use nix::unistd::getpeereid;

use crate::sys::types::PeerCredentials;

pub fn peer_credentials(socket: BorrowedFd<'_>) -> io::Result<PeerCredentials> {
    let (uid, gid) = getpeereid(socket)?;
    Ok(PeerCredentials { pid: None, uid, gid })
}
