//! The states of a TCP connection. RFC 9293 §3.3.2.

use std::fmt;

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
