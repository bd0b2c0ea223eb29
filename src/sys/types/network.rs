//! Sockets as the kernel's tables show them, and packets.

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use nix::unistd::{Gid, Pid, Uid};

/// An address that a server can bind.
#[derive(Debug, Clone, Copy)]
pub enum SocketAddress<'a> {
    /// TCP address and port.
    Tcp(SocketAddr),
    /// UDP address and port.
    Udp(SocketAddr),
    /// Path of a Unix domain socket, or `@name` for an abstract one.
    Unix(&'a Path),
}

/// Returns whether a socket bound to `bound` receives packets sent to `destination`. A socket bound to `[::]`
/// receives IPv4 packets too, unless `IPV6_V6ONLY` is set: ipv6(7).
pub(in crate::sys) fn accepts_packets_to(bound: SocketAddr, destination: SocketAddr) -> bool {
    let (bound_ip, ip) = (bound.ip().to_canonical(), destination.ip());
    let accepts = bound_ip == ip || bound_ip.is_unspecified() && (bound_ip.is_ipv6() || ip.is_ipv4());
    bound.port() == destination.port() && accepts
}

/// State of one end of a TCP connection: RFC 9293 §3.3.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TcpState {
    /// LISTEN: the socket waits for connections.
    Listen,
    /// SYN-SENT: this end has sent a SYN.
    SynSent,
    /// SYN-RECEIVED: this end has received a SYN and answered it.
    SynReceived,
    /// ESTABLISHED: the connection is open.
    Established,
    /// FIN-WAIT-1: this end closed first. The FIN is not acknowledged yet.
    FinWait1,
    /// FIN-WAIT-2: this end closed first, and its FIN is acknowledged. The other end can still send.
    FinWait2,
    /// CLOSE-WAIT: the other end closed. This end can still send.
    CloseWait,
    /// LAST-ACK: the other end closed, and then this end. The FIN is not acknowledged yet.
    LastAck,
    /// CLOSING: both ends closed at the same time.
    Closing,
    /// TIME-WAIT: this end closed first. The kernel keeps the addresses in use until old segments have expired.
    TimeWait,
    /// CLOSED: the socket is not connected.
    Closed,
}

/// Formats a TCP state as netstat(8) does.
impl fmt::Display for TcpState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            TcpState::Listen => "LISTEN",
            TcpState::SynSent => "SYN_SENT",
            TcpState::SynReceived => "SYN_RECV",
            TcpState::Established => "ESTABLISHED",
            TcpState::FinWait1 => "FIN_WAIT1",
            TcpState::FinWait2 => "FIN_WAIT2",
            TcpState::CloseWait => "CLOSE_WAIT",
            TcpState::LastAck => "LAST_ACK",
            TcpState::Closing => "CLOSING",
            TcpState::TimeWait => "TIME_WAIT",
            TcpState::Closed => "CLOSE",
        })
    }
}

/// Bytes in the kernel's queues at one end of a TCP connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TcpQueues {
    /// Bytes sent by this end that the other end has not acknowledged.
    pub unacknowledged: usize,
    /// Bytes received by this end that no program has read.
    pub unread: usize,
}

/// The process at the other end of a Unix domain socket when the connection was made. The kernel vouches for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerCredentials {
    /// The id of the process, where the system knows it.
    pub pid: Option<Pid>,
    /// The user id of the process.
    pub uid: Uid,
    /// The group id of the process.
    pub gid: Gid,
}

/// A packet on the loopback interface.
#[derive(Debug, Clone, Copy)]
pub struct CapturedPacket<'a> {
    /// The time of the packet, since 1970.
    pub timestamp: Duration,
    /// The length of the whole packet in bytes.
    pub length: usize,
    /// The packet from the Ethernet header on, cut to the snap length and the size of the buffer.
    pub bytes: &'a [u8],
}
