//! Unix domain sequenced packets: connections that keep message boundaries. unix(7); not on macOS.

use socket2::Type;

use super::{Capabilities, Channel, Dial, Link, MessageChannel, Opening, Shows, Transport, client, unix};
use crate::payload::KIB;

pub(super) const TRANSPORT: Transport = Transport {
    name: "unix-seqpacket",
    says: "a connection to a path that keeps message boundaries",
    offers: Capabilities::MESSAGES
        .union(Capabilities::HALF_CLOSE)
        .union(Capabilities::MANY_CLIENTS)
        .union(Capabilities::AT_ONCE)
        .union(Capabilities::CONNECTIONS)
        .union(Capabilities::BINDS)
        .union(Capabilities::SOCKET_PATH),
    placeholders: &["{addr}", "{path}"],
    reserve: unix::reserve,
    dial,
    open,
    inherited: None,
    shows: Shows::Unix,
};

fn dial(dial: &Dial<'_>) -> std::io::Result<Link> {
    let link = unix::connect(dial, Type::SEQPACKET)?;
    if let Some(socket) = link.as_socket() {
        client::enlarge_buffers(socket);
    }
    Ok(link)
}

/// What a message takes up in the sender's buffer beside its bytes.
const OVERHEAD: usize = 2 * KIB;

fn open(opening: Opening<'_>) -> std::io::Result<Box<dyn Channel>> {
    let (socket, room) = unix::connected(&opening, Type::SEQPACKET)?;
    let largest = socket.send_buffer_size()?.saturating_sub(OVERHEAD);
    MessageChannel::over(socket, opening.waiting, room, largest)
}
