//! Sockets as the kernel's tables show them, and packets.

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use nix::unistd::{Gid, Pid, Uid};

/// An address that a server can bind.
#[derive(Debug, Clone, Copy)]
pub enum SocketAddress<'a> {
    /// A TCP address and port that a server can bind.
    Tcp(SocketAddr),
    /// A UDP address and port that a server can bind.
    Udp(SocketAddr),
    /// The path of a Unix domain socket that a server can bind, or `@name` for an abstract one.
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
    /// LISTEN: the TCP socket waits for connections.
    Listen,
    /// SYN-SENT: this end of the TCP connection has sent a SYN.
    SynSent,
    /// SYN-RECEIVED: this end of the TCP connection has received a SYN and answered it.
    SynReceived,
    /// ESTABLISHED: the TCP connection is open.
    Established,
    /// FIN-WAIT-1: this end of the TCP connection closed first. Its FIN is not acknowledged yet.
    FinWait1,
    /// FIN-WAIT-2: this end of the TCP connection closed first, and its FIN is acknowledged. The other end can still
    /// send.
    FinWait2,
    /// CLOSE-WAIT: the other end of the TCP connection closed. This end can still send.
    CloseWait,
    /// LAST-ACK: the other end of the TCP connection closed, and then this end. The last FIN is not acknowledged yet.
    LastAck,
    /// CLOSING: both ends of the TCP connection closed at the same time.
    Closing,
    /// TIME-WAIT: this end of the TCP connection closed first. The kernel keeps the addresses in use until old segments
    /// have expired.
    TimeWait,
    /// CLOSED: the TCP socket is not connected.
    Closed,
}

impl TcpState {
    /// The states of the sockets of connections, in the order in which a connection passes through them.
    pub const OF_CONNECTIONS: &[TcpState] = &[
        TcpState::SynReceived,
        TcpState::Established,
        TcpState::FinWait1,
        TcpState::FinWait2,
        TcpState::CloseWait,
        TcpState::LastAck,
        TcpState::Closing,
        TcpState::TimeWait,
    ];
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
    /// The number of bytes sent by this end of the TCP connection that the other end has not acknowledged.
    pub unacknowledged: usize,
    /// The number of bytes received by this end of the TCP connection that no program has read.
    pub unread: usize,
}

/// The connections that a listening TCP socket holds until the server accepts them: listen(2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AcceptQueue {
    /// The number of connections that wait for accept(2).
    pub waiting: usize,
    /// The backlog that the server asked for, or the system's limit if that is lower.
    pub limit: usize,
}

impl AcceptQueue {
    /// Whether the kernel drops the SYN of a further client, who then tries again after a second. Linux takes one
    /// connection more than the limit.
    #[must_use]
    pub fn is_full(self) -> bool {
        self.waiting > self.limit
    }
}

/// The process that was at the other end of a Unix domain socket when the connection was made, as the kernel recorded
/// it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerCredentials {
    /// The id of the process, where the system knows it.
    pub pid: Option<Pid>,
    /// The user id of the process.
    pub uid: Uid,
    /// The group id of the process.
    pub gid: Gid,
}

/// A packet that was captured on the loopback interface.
#[derive(Debug, Clone, Copy)]
pub struct CapturedPacket<'a> {
    /// The time at which the packet was captured, since 1970.
    pub timestamp: Duration,
    /// The length of the whole packet in bytes, including the part that was not captured.
    pub length: usize,
    /// The bytes of the packet from the Ethernet header on, cut to the snap length and the size of the buffer.
    pub bytes: &'a [u8],
}
