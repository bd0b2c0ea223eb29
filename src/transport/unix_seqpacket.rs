//! Unix domain sequenced packets: connections that keep message boundaries. unix(7); not on macOS.

use socket2::Type;

use super::{Dial, Link, Needs, Transport, messenger, unix};

pub(super) const TRANSPORT: Transport = Transport {
    name: "unix-seqpacket",
    says: "a connection to a path that keeps message boundaries",
    offers: Needs::MESSAGES
        .union(Needs::HALF_CLOSE)
        .union(Needs::MANY_CLIENTS)
        .union(Needs::AT_ONCE)
        .union(Needs::CONNECTIONS)
        .union(Needs::BINDS)
        .union(Needs::SOCKET_PATH),
    placeholders: &["{addr}", "{path}"],
    reserve: unix::reserve,
    dial,
};

fn dial(dial: &Dial<'_>) -> std::io::Result<Link> {
    let link = unix::connect(dial, Type::SEQPACKET)?;
    if let Some(socket) = link.as_socket() {
        messenger::widen(socket);
    }
    Ok(link)
}
