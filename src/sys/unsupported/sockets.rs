//! Sockets: nothing shows those of other processes, and POSIX has few options.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{BorrowedFd, OwnedFd};

use nix::unistd::Pid;

use super::unsupported;
use crate::sys::types::{AcceptQueue, PeerCredentials, SocketAddress, TcpQueues, TcpState};

/// Returns `Unsupported`: this system does not show which sockets are bound.
pub fn is_listening(_address: SocketAddress<'_>, _holders: &dyn Fn() -> Vec<Pid>) -> io::Result<bool> {
    unsupported("this system does not show which sockets are bound")
}

/// Returns `Unsupported`: this system has no table of all sockets.
pub fn socket_id_at(_address: SocketAddress<'_>) -> io::Result<Option<u64>> {
    unsupported("this system has no table of all sockets")
}

/// Returns `Unsupported`: this system has no table of all TCP sockets.
pub fn tcp_sockets(_port: u16) -> io::Result<Vec<(SocketAddr, SocketAddr, TcpState)>> {
    unsupported("this system has no table of all TCP sockets")
}

/// Returns `Unsupported`: this system has no table of all TCP sockets.
pub fn tcp_state(_local: SocketAddr, _remote: SocketAddr) -> io::Result<Option<TcpState>> {
    unsupported("this system has no table of all TCP sockets")
}

/// Returns `Unsupported`: this system does not show the queues of a TCP connection.
pub fn tcp_queues(_local: SocketAddr, _remote: SocketAddr) -> io::Result<Option<TcpQueues>> {
    unsupported("this system does not show the queues of a TCP connection")
}

/// Returns `Unsupported`: this system does not show the queue of another process' listening socket.
pub fn accept_queue(_address: SocketAddr) -> io::Result<Option<AcceptQueue>> {
    unsupported("this system does not show the queue of another process' listening socket")
}

/// Returns `Unsupported`: this system does not count the bytes of another process' TCP connection.
pub fn tcp_bytes_in_flight(_from: SocketAddr, _to: SocketAddr) -> io::Result<Option<u64>> {
    unsupported("this system does not count the bytes of another process' TCP connection")
}

/// Returns `Unsupported`: this system does not show unacknowledged bytes.
pub fn unacknowledged_bytes(_socket: BorrowedFd<'_>) -> io::Result<usize> {
    unsupported("this system does not show unacknowledged bytes")
}

/// Returns `Unsupported`: this system limits the queue of a datagram socket by bytes.
pub fn datagram_queue_length() -> io::Result<usize> {
    unsupported("this system limits the queue of a datagram socket by bytes")
}

/// Returns `Unsupported`: this system has no option `UDP_SEGMENT`.
pub fn send_segments(
    _socket: BorrowedFd<'_>,
    _peer: SocketAddr,
    _bytes: &[u8],
    _size: usize,
) -> io::Result<()> {
    unsupported("this system has no option UDP_SEGMENT")
}

/// Returns `Unsupported`: this system has no option `TCP_QUICKACK`.
pub fn enable_quick_ack(_socket: BorrowedFd<'_>) -> io::Result<()> {
    unsupported("this system has no option TCP_QUICKACK")
}

/// Returns `Unsupported`: this system has no option `TCP_CONGESTION`.
pub fn set_congestion_control(_socket: BorrowedFd<'_>, _name: &str) -> io::Result<()> {
    unsupported("this system has no choice of congestion control algorithms")
}

/// Returns `Unsupported`: this system does not show the peer of a Unix domain socket.
pub fn peer_credentials(_socket: BorrowedFd<'_>) -> io::Result<PeerCredentials> {
    unsupported("this system does not show the peer of a Unix domain socket")
}

/// Returns `Unsupported`: this system chooses no names for Unix domain sockets.
///
/// # Errors
/// Always.
pub fn bind_to_chosen_name(_socket: BorrowedFd<'_>) -> io::Result<()> {
    unsupported("this system chooses no names for Unix domain sockets")
}

/// Returns `None` and reserves nothing: this system has no names that vanish with their process.
pub fn claim_abstract_name(_name: &str) -> io::Result<Option<OwnedFd>> {
    Ok(None)
}
