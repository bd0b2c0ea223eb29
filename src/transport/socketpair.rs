//! Two sockets that were made connected, one of them the standard input and output of a server. socketpair(2).

use std::io;
use std::os::fd::OwnedFd;

use socket2::{Domain, Socket, Type};

use super::{
    ByteChannel, Capabilities, Channel, Inherited, Link, MessageChannel, Opening, Pair, Room, Shows,
    Transport, Tuning, client, pipe,
};
use crate::payload::KIB;

pub(super) const STREAM: Transport = Transport {
    name: "socketpair",
    says: "a pair of connected stream sockets",
    offers: Capabilities::STREAM.union(Capabilities::HALF_CLOSE),
    placeholders: &[],
    reserve: pipe::reserve,
    dial: pipe::dial,
    open: open_stream,
    inherited: Some(Inherited { make: |tuning| pair(Type::STREAM, tuning), link, sockets: true }),
    shows: Shows::AtOnce,
};

pub(super) const DGRAM: Transport = Transport {
    name: "socketpair-dgram",
    says: "a pair of connected datagram sockets",
    // Nothing tells a datagram socket that its peer has gone.
    offers: Capabilities::MESSAGES,
    open: open_messages,
    inherited: Some(Inherited { make: |tuning| pair(Type::DGRAM, tuning), link: widened, sockets: true }),
    ..STREAM
};

pub(super) const SEQPACKET: Transport = Transport {
    name: "socketpair-seqpacket",
    says: "a pair of connected sockets for sequenced packets",
    offers: Capabilities::MESSAGES.union(Capabilities::HALF_CLOSE),
    open: open_messages,
    inherited: Some(Inherited { make: |tuning| pair(Type::SEQPACKET, tuning), link: widened, sockets: true }),
    ..STREAM
};

/// How many datagrams wait at one end: `net.unix.max_dgram_qlen` of Linux at its least.
const PLACES: usize = 10;

/// What a message takes up in the sender's buffer beside its bytes.
const OVERHEAD: usize = 2 * KIB;

fn pair(kind: Type, tuning: &Tuning) -> io::Result<Pair> {
    let (near, far) = Socket::pair(Domain::UNIX, kind, None).map_err(explain)?;
    tuning.size(&near)?;
    tuning.size(&far)?;
    let (near, far) = (OwnedFd::from(near), OwnedFd::from(far));
    Ok(Pair { near: (near.try_clone()?, near), far: (far.try_clone()?, far) })
}

/// macOS knows SOCK_SEQPACKET, but has no Unix sockets of that kind.
fn explain(error: io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(nix::libc::EPROTONOSUPPORT) => io::Error::new(io::ErrorKind::Unsupported, error.to_string()),
        _ => error,
    }
}

fn link(both: OwnedFd, _again: OwnedFd) -> io::Result<Link> {
    Link::socket(both.into())
}

fn widened(both: OwnedFd, again: OwnedFd) -> io::Result<Link> {
    let link = link(both, again)?;
    if let Some(socket) = link.as_socket() {
        client::enlarge_buffers(socket);
    }
    Ok(link)
}

fn own_end(opening: &mut Opening<'_>) -> io::Result<(Socket, Room)> {
    let (both, _again) = opening.ends.take().ok_or_else(pipe::not_inherited)?;
    let socket = Socket::from(both);
    let room = Room::of(socket.send_buffer_size()?);
    Ok((socket, room))
}

fn open_stream(mut opening: Opening<'_>) -> io::Result<Box<dyn Channel>> {
    let (socket, room) = own_end(&mut opening)?;
    ByteChannel::socket(socket, opening.waiting, room)
}

fn open_messages(mut opening: Opening<'_>) -> io::Result<Box<dyn Channel>> {
    let (socket, room) = own_end(&mut opening)?;
    let largest = socket.send_buffer_size()?.saturating_sub(OVERHEAD);
    MessageChannel::over(socket, opening.waiting, room.with_places(PLACES), largest)
}
