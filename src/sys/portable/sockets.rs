//! Sockets. As on macOS there is no table of all sockets: processes are asked for theirs.

use std::io;

use nix::unistd::Pid;

use crate::sys::linux::descriptors::descriptors;
use crate::sys::types::{Object, SocketAddress};

pub use crate::sys::linux::sockets::{peer_credentials, unacknowledged_bytes};
pub use crate::sys::unsupported::sockets::{
    accept_queue, bind_to_chosen_name, claim_abstract_name, datagram_queue_length, enable_quick_ack,
    send_segments, set_congestion_control, socket_id_at, tcp_bytes_in_flight, tcp_queues, tcp_sockets,
    tcp_state,
};

/// Returns whether one of the processes `holders` has a socket bound at `address`, which listens if it is a TCP or Unix
/// stream socket. A socket bound to the wildcard address counts.
///
/// # Errors
/// `PermissionDenied` for another user's process.
pub fn is_listening(address: SocketAddress<'_>, holders: &dyn Fn() -> Vec<Pid>) -> io::Result<bool> {
    for pid in holders() {
        let is_there = |object: &Object| matches!(object, Object::Socket(it) if it.serves(address));
        if descriptors(pid)?.iter().any(|descriptor| is_there(&descriptor.object)) {
            return Ok(true);
        }
    }
    Ok(false)
}
