//! What is known of sockets: addresses, states, queues, peers.

use std::fmt;
use std::net::SocketAddr;

use nix::unistd::{Gid, Pid, Uid};

/// An address that a server may hold.
#[derive(Debug, Clone, Copy)]
pub enum SocketAddress<'a> {
    /// A TCP port on an address.
    Tcp(SocketAddr),
    /// A UDP port on an address.
    Udp(SocketAddr),
    /// A Unix domain socket's path, or `@name`.
    Unix(&'a std::path::Path),
}

/// Whether a socket bound to `bound` takes what is sent to `asked`. `[::]` takes IPv4 too unless
/// `IPV6_V6ONLY` is set (ipv6(7)).
pub fn covers(bound: SocketAddr, asked: SocketAddr) -> bool {
    let (ip, wanted) = (bound.ip().to_canonical(), asked.ip());
    let takes = ip == wanted || ip.is_unspecified() && (ip.is_ipv6() || wanted.is_ipv4());
    bound.port() == asked.port() && takes
}

/// The state of one end of a TCP connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TcpState {
    /// Waiting for connections.
    Listen,
    /// Has asked for a connection.
    SynSent,
    /// Has been asked for one, and has answered.
    SynReceived,
    /// Open both ways.
    Established,
    /// Closed here first; that is not yet acknowledged.
    FinWait1,
    /// Closed here first, and acknowledged: the other side may still send.
    FinWait2,
    /// Closed by the other side: this one may still send.
    CloseWait,
    /// Closed by the other side and then here; that is not yet acknowledged.
    LastAck,
    /// Closed by both sides at once.
    Closing,
    /// Closed here first, and kept so that late segments find their grave.
    TimeWait,
    /// No connection.
    Closed,
}

/// As netstat(8) and ss(8) write it.
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

/// What the kernel holds of one direction-pair of a TCP connection, at one of its ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TcpQueues {
    /// Bytes written here that the other end has not acknowledged.
    pub unacknowledged: usize,
    /// Bytes received here that no program has read.
    pub unread: usize,
}

/// Who was at the other end when the connection was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerCredentials {
    /// Its process, where the system tells.
    pub pid: Option<Pid>,
    /// Its user.
    pub uid: Uid,
    /// Its group.
    pub gid: Gid,
}
