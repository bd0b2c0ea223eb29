//! Packets between clients and servers, captured on the loopback interface.
//!
//! A [`Packet`] holds the headers of one packet, a [`Conversation`] sums up those between one client and one server. A
//! check uses a [`PortMonitor`], which captures the port of its server. `echospec capture` uses a `Recording`, which
//! captures the ports of a whole run; the run announces them as [`claims`].

use std::io;

mod conversation;
mod conversations;
mod packet;
#[cfg(feature = "cli")]
mod pcapng;
mod port_monitor;
#[cfg(feature = "cli")]
mod recording;

pub mod claims;

pub use conversation::{Conversation, Endpoint, PacketEvent};
pub use conversations::Conversations;
pub use packet::{Packet, Protocol, Segment};
pub use port_monitor::PortMonitor;
#[cfg(feature = "cli")]
pub use recording::Recording;

/// Explains why packets cannot be captured. `doctor`, the checks and `capture` show this text.
#[must_use]
pub fn explain_capture_error(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::PermissionDenied => "CAP_NET_RAW is lacking (packet(7))".into(),
        io::ErrorKind::Unsupported => "this system has no packet sockets".into(),
        _ => format!("no packet socket: {error}"),
    }
}
