//! No credentials of a peer.

use std::io;
use std::os::fd::BorrowedFd;

use super::unsupported;
use crate::sys::types::PeerCredentials;

pub fn peer_credentials(_socket: BorrowedFd<'_>) -> io::Result<PeerCredentials> {
    unsupported("the process at the other end of a socket is not looked up on this system")
}
