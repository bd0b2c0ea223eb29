//! TCP on loopback. tcp(7), RFC 9293.

use std::path::Path;

use socket2::Type;

use super::{Dial, Link, Needs, Reserved, Transport, connect_within, port, stream_socket};

pub(super) const TRANSPORT: Transport = Transport {
    name: "tcp",
    says: "a connection to a port, as a stream of bytes",
    offers: Needs::STREAM
        .union(Needs::HALF_CLOSE)
        .union(Needs::MANY_CLIENTS)
        .union(Needs::AT_ONCE)
        .union(Needs::CONNECTIONS)
        .union(Needs::SOURCE_ADDRESS)
        .union(Needs::BINDS)
        .union(Needs::PORT)
        .union(Needs::TCP),
    placeholders: &["{addr}", "{port}"],
    reserve,
    dial,
};

fn reserve(_scratch: &Path) -> std::io::Result<Reserved> {
    port::reserve(Type::STREAM)
}

fn dial(dial: &Dial<'_>) -> std::io::Result<Link> {
    let address = dial.address.expect_inet()?;
    let socket = stream_socket(address, dial.approach.source)?;
    dial.size(&socket)?;
    connect_within(&socket, &address.into(), dial.limit)?;
    Link::socket(socket)
}
