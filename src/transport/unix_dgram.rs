//! Unix domain datagrams: a client that wants an answer must have a name of its own. unix(7).

use socket2::{Domain, SockAddr, Socket, Type};

use super::{Dial, Link, Needs, Transport, messenger, unix};

pub(super) const TRANSPORT: Transport = Transport {
    name: "unix-dgram",
    says: "datagrams to a path, without a connection",
    offers: Needs::MESSAGES
        .union(Needs::CONNECTIONLESS)
        .union(Needs::MANY_CLIENTS)
        .union(Needs::AT_ONCE)
        .union(Needs::BINDS)
        .union(Needs::SOCKET_PATH),
    placeholders: &["{addr}", "{path}"],
    reserve: unix::reserve,
    dial,
};

fn dial(dial: &Dial<'_>) -> std::io::Result<Link> {
    let socket = Socket::new(Domain::UNIX, Type::DGRAM, None)?;
    messenger::widen(&socket);
    dial.size(&socket)?;
    if !dial.approach.unnamed {
        socket.bind(&SockAddr::unix(dial.scratch.join(format!("client-{}", dial.number)))?)?;
    }
    // Connected, so that poll(2) tells when the server's queue, ten messages on Linux, has room again.
    socket.connect(&unix::name(dial.address.expect_path()?)?)?;
    Link::socket(socket)
}
