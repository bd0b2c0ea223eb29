//! Unix domain datagrams: a client that wants an answer must have a name of its own. unix(7).

use socket2::{Domain, SockAddr, Socket, Type};

use super::{
    Capabilities, Channel, Dial, Link, MessageChannel, Opening, Room, Shows, Transport, client, unix,
};
use crate::payload::KIB;

pub(super) const TRANSPORT: Transport = Transport {
    name: "unix-dgram",
    says: "datagrams to a path, without a connection",
    offers: Capabilities::MESSAGES
        .union(Capabilities::CONNECTIONLESS)
        .union(Capabilities::MANY_CLIENTS)
        .union(Capabilities::AT_ONCE)
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
    let socket = Socket::new(Domain::UNIX, Type::DGRAM, None)?;
    client::enlarge_buffers(&socket);
    dial.size(&socket)?;
    if !dial.options.unnamed {
        socket.bind(&SockAddr::unix(dial.scratch.join(format!("client-{}", dial.number)))?)?;
    }
    // Connected, so that poll(2) tells when the server's queue, ten messages on Linux, has room again.
    socket.connect(&unix::name(dial.address.expect_path()?)?)?;
    Link::socket(socket)
}

/// Linux queues ten datagrams for a receiver (`net.unix.max_dgram_qlen`), and one that is full stops the other side.
const QUEUE: usize = 10;

/// What a datagram takes up in the sender's buffer beside its bytes.
const OVERHEAD: usize = 2 * KIB;

fn open(opening: Opening<'_>) -> std::io::Result<Box<dyn Channel>> {
    let socket = Socket::new(Domain::UNIX, Type::DGRAM, None)?;
    let room = Room::of_socket(&socket, opening.tuning)?.with_places(QUEUE);
    opening.tuning.size(&socket)?;
    socket.bind(&SockAddr::unix(opening.scratch.join(format!("channel-{}", opening.number)))?)?;
    socket.connect(&unix::name(opening.address.expect_path()?)?)?;
    let largest = socket.send_buffer_size()?.saturating_sub(OVERHEAD);
    MessageChannel::over(socket, opening.waiting, room, largest)
}
