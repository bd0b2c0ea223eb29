//! Sockets. An ordinary user sees no table of all sockets, so processes are asked for theirs.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use libproc::net_info::{SocketFDInfo, SocketInfo};
use nix::errno::Errno;
use nix::libc::{self, c_int};
use nix::sys::socket::{getsockopt, sockopt};
use nix::unistd::{Pid, getpeereid};

use super::descriptors::{descriptor_info, descriptor_table, socket};
use crate::sys::types::{PeerCredentials, SocketAddress};

// A connection in TIME_WAIT has no descriptor, so libproc cannot show it.
pub use crate::sys::unsupported::sockets::{
    accept_queue, bind_to_chosen_name, claim_abstract_name, datagram_queue_length, enable_quick_ack,
    send_segments, set_congestion_control, socket_id_at, tcp_bytes_in_flight, tcp_queues, tcp_sockets,
    tcp_state,
};

/// Returns whether one of the processes `holders` has a socket bound at `address`, which listens if it is a TCP or Unix
/// stream socket. A socket bound to the wildcard address counts.
///
/// Verified: against `struct socket_info` and `struct in_sockinfo` of `<sys/proc_info.h>`; the comparison of
/// addresses and the search through the descriptors of the server run on Linux. Look first at a dual-stack listener.
///
/// # Errors
/// `PermissionDenied` for another user's process.
pub fn is_listening(address: SocketAddress<'_>, holders: &dyn Fn() -> Vec<Pid>) -> io::Result<bool> {
    for pid in holders() {
        if sockets(pid)?.iter().any(|info| socket(info).serves(address)) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn sockets(pid: Pid) -> io::Result<Vec<SocketInfo>> {
    let info = |entry| descriptor_info(pid, entry).map(|info: SocketFDInfo| info.psi);
    Ok(descriptor_table(pid)?.iter().filter_map(info).collect())
}

/// Returns how many bytes are in the send buffer of `socket`: `SO_NWRITE`, getsockopt(2). TCP keeps bytes there until
/// the peer acknowledges them. A Unix domain socket writes into its peer's buffer, so its send buffer is empty.
///
/// Verified: type-checked; getsockopt(2) of macOS describes `SO_NWRITE`.
///
/// # Errors
/// Those of getsockopt(2).
#[expect(unsafe_code, reason = "getsockopt(2) is untyped")]
pub fn unacknowledged_bytes(socket: BorrowedFd<'_>) -> io::Result<usize> {
    let mut bytes: c_int = 0;
    let mut size = size_of_val(&bytes) as libc::socklen_t;
    // SAFETY: SO_NWRITE writes one int. `bytes` is one, and `size` is its size.
    let answer = unsafe {
        let room = (&raw mut bytes).cast();
        libc::getsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, libc::SO_NWRITE, room, &raw mut size)
    };
    Errno::result(answer)?;
    usize::try_from(bytes).map_err(io::Error::other)
}

/// Returns the process that connected `socket`, a Unix domain stream socket: getpeereid(3) and `LOCAL_PEERPID`.
///
/// Verified: type-checked; getpeereid(3), and `LOCAL_PEERPID` of unix(4).
///
/// # Errors
/// Those of getsockopt(2).
pub fn peer_credentials(socket: BorrowedFd<'_>) -> io::Result<PeerCredentials> {
    let (uid, gid) = getpeereid(socket)?;
    let pid = getsockopt(&socket, sockopt::LocalPeerPid).ok().map(Pid::from_raw);
    Ok(PeerCredentials { pid, uid, gid })
}
