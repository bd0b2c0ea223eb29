//! What passes between client and server, packet by packet, as the loopback interface carries it.
//!
//! A [`Packet`] is one that passed; a [`Conversation`] is what those of one client and one server amount to. A
//! [`Watch`] is for a check, which looks at the port of its own server alone; a `Recording` is for a whole run, which
//! says by its [`claims`] which ports are its own.

use std::io;

mod conversation;
mod conversations;
mod packet;
#[cfg(feature = "cli")]
mod pcapng;
#[cfg(feature = "cli")]
mod record;
mod watch;

pub mod claims;

pub use conversation::{Conversation, Event, Side};
pub use conversations::Conversations;
pub use packet::{Packet, Protocol, Segment};
#[cfg(feature = "cli")]
pub use record::Recording;
pub use watch::Watch;

/// Why packets cannot be seen, in the words that `doctor`, the checks and `capture` share.
#[must_use]
pub fn obstacle(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::PermissionDenied => "CAP_NET_RAW is lacking (packet(7))".into(),
        io::ErrorKind::Unsupported => "this system has no packet sockets".into(),
        _ => format!("no packet socket: {error}"),
    }
}
