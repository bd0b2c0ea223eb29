//! Sockets: `FIONWRITE`, getpeereid(3).

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use nix::unistd::getpeereid;

use crate::sys::types::PeerCredentials;

pub use crate::sys::unsupported::sockets::{
    accept_queue, bind_to_chosen_name, claim_abstract_name, datagram_queue_length, enable_quick_ack,
    is_listening, send_segments, set_congestion_control, socket_id_at, tcp_bytes_in_flight, tcp_queues,
    tcp_sockets, tcp_state,
};

nix::ioctl_read_bad!(fionwrite, nix::libc::FIONWRITE, nix::libc::c_int);

/// Returns how many bytes are in the send buffer of `socket`: `FIONWRITE` of `<sys/filio.h>`. TCP keeps bytes there
/// until the peer acknowledges them.
///
/// # Errors
/// Those of ioctl(2).
#[expect(unsafe_code, reason = "ioctl(2) is untyped")]
pub fn unacknowledged_bytes(socket: BorrowedFd<'_>) -> io::Result<usize> {
    let mut bytes = 0;
    // SAFETY: FIONWRITE writes one int, and `bytes` is one.
    unsafe { fionwrite(socket.as_raw_fd(), &raw mut bytes) }?;
    usize::try_from(bytes).map_err(io::Error::other)
}

/// Returns the user that connected `socket`, a Unix domain stream socket: getpeereid(3). Its process is not known.
///
/// # Errors
/// Those of getpeereid(3).
pub fn peer_credentials(socket: BorrowedFd<'_>) -> io::Result<PeerCredentials> {
    let (uid, gid) = getpeereid(socket)?;
    Ok(PeerCredentials { pid: None, uid, gid })
}
