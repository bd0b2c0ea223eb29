//! A pair of connected Unix sockets, one of them as the standard input and output of a server. socketpair(2).

use std::io;

use socket2::{Domain, Socket, Type};

use super::inherited::no_address_error;
use super::{
    ByteChannel, Capabilities, Capacity, Channel, ChannelRequest, ConnectedPair, ConnectionEnds,
    InheritedConnection, Link, MessageChannel, Readiness, Transport, Tuning, client, pipe,
};
use crate::payload::KIB;

pub(super) const STREAM: Transport = Transport {
    name: "socketpair",
    summary: "a pair of connected stream sockets",
    capabilities: Capabilities::STREAM
        .union(Capabilities::HALF_CLOSE)
        .union(Capabilities::STDIO)
        .union(Capabilities::END_OF_INPUT),
    placeholders: &[],
    reserve: pipe::reserve,
    connect: pipe::connect,
    open_channel: open_stream,
    inherited: Some(InheritedConnection { make: |tuning| make(Type::STREAM, tuning), link, sockets: true }),
    readiness: Readiness::Immediate,
};

pub(super) const DGRAM: Transport = Transport {
    name: "socketpair-dgram",
    summary: "a pair of connected datagram sockets",
    // No half-close: a datagram socket does not learn that its peer has closed.
    capabilities: Capabilities::MESSAGES,
    open_channel: open_messages,
    inherited: Some(InheritedConnection {
        make: |tuning| make(Type::DGRAM, tuning),
        link: message_link,
        sockets: true,
    }),
    ..STREAM
};

pub(super) const SEQPACKET: Transport = Transport {
    name: "socketpair-seqpacket",
    summary: "a pair of connected sockets for sequenced packets",
    capabilities: Capabilities::MESSAGES.union(Capabilities::HALF_CLOSE),
    open_channel: open_messages,
    inherited: Some(InheritedConnection {
        make: |tuning| make(Type::SEQPACKET, tuning),
        link: message_link,
        sockets: true,
    }),
    ..STREAM
};

/// The number of datagrams that a socket queues for its receiver: the smallest `net.unix.max_dgram_qlen` of Linux.
const SLOTS: usize = 10;

/// The number of bytes that a message takes up in a socket's send buffer besides its content.
const OVERHEAD: usize = 2 * KIB;

fn make(kind: Type, tuning: &Tuning) -> io::Result<ConnectedPair> {
    let (client, server) = Socket::pair(Domain::UNIX, kind, None).map_err(unsupported_kind)?;
    tuning.apply_to_socket(&client)?;
    tuning.apply_to_socket(&server)?;
    Ok(ConnectedPair {
        client: ConnectionEnds::duplex(client.into())?,
        server: ConnectionEnds::duplex(server.into())?,
    })
}

/// Explains the error for a type of socket pair that this system lacks. macOS defines SOCK_SEQPACKET, but has no Unix
/// sockets of that type.
fn unsupported_kind(error: io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(nix::libc::EPROTONOSUPPORT) => io::Error::new(io::ErrorKind::Unsupported, error.to_string()),
        _ => error,
    }
}

fn link(ends: ConnectionEnds) -> io::Result<Link> {
    Link::socket(ends.write.into())
}

fn message_link(ends: ConnectionEnds) -> io::Result<Link> {
    let link = link(ends)?;
    if let Some(socket) = link.as_socket() {
        client::enlarge_buffers(socket);
    }
    Ok(link)
}

fn client_socket(request: &mut ChannelRequest<'_>) -> io::Result<(Socket, Capacity)> {
    let ends = request.ends.take().ok_or_else(no_address_error)?;
    let socket = Socket::from(ends.write);
    let capacity = Capacity::of_socket_buffer(socket.send_buffer_size()?);
    Ok((socket, capacity))
}

fn open_stream(mut request: ChannelRequest<'_>) -> io::Result<Box<dyn Channel>> {
    let (socket, capacity) = client_socket(&mut request)?;
    ByteChannel::over_socket(socket, request.wait_mode, capacity)
}

fn open_messages(mut request: ChannelRequest<'_>) -> io::Result<Box<dyn Channel>> {
    let (socket, capacity) = client_socket(&mut request)?;
    let largest = socket.send_buffer_size()?.saturating_sub(OVERHEAD);
    MessageChannel::over_socket(socket, request.wait_mode, capacity.with_slots(SLOTS), largest)
}
