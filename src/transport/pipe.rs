//! Two pipes as the standard input and output of a server. Each client has a server process of its own. pipe(7).

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use super::inherited::no_address_error;
use super::{
    Address, ByteChannel, Capabilities, Capacity, Channel, ChannelRequest, ConnectRequest, ConnectedPair,
    ConnectionEnds, InheritedConnection, Link, Readiness, ReservedAddress, Transport, Tuning,
};

pub(super) const TRANSPORT: Transport = Transport {
    name: "pipe",
    summary: "standard input to standard output, through two pipes",
    capabilities: Capabilities::STREAM
        .union(Capabilities::HALF_CLOSE)
        .union(Capabilities::STDIO)
        .union(Capabilities::PIPES)
        .union(Capabilities::END_OF_INPUT),
    placeholders: &[],
    reserve,
    connect,
    open_channel,
    inherited: Some(InheritedConnection { make, link, sockets: false }),
    readiness: Readiness::Immediate,
};

pub(super) fn reserve(_scratch: &Path) -> io::Result<ReservedAddress> {
    Ok(ReservedAddress::unguarded(Address::Stdio))
}

/// Returns an error, because a client cannot connect: the server is launched with the connection.
pub(super) fn connect(_request: &ConnectRequest<'_>) -> io::Result<Link> {
    Err(no_address_error())
}

pub(super) fn make(tuning: &Tuning) -> io::Result<ConnectedPair> {
    let (input, to) = os_pipe::pipe()?;
    let (from, output) = os_pipe::pipe()?;
    tuning.apply_to_pipe(&input)?;
    tuning.apply_to_pipe(&output)?;
    Ok(ConnectedPair {
        client: ConnectionEnds { read: from.into(), write: to.into() },
        server: ConnectionEnds { read: input.into(), write: output.into() },
    })
}

pub(super) fn link(ends: ConnectionEnds) -> io::Result<Link> {
    Link::pipes(File::from(ends.write), File::from(ends.read))
}

fn open_channel(request: ChannelRequest<'_>) -> io::Result<Box<dyn Channel>> {
    let ends = request.ends.ok_or_else(no_address_error)?;
    let capacity = Capacity::of_pipe(&ends.write)?;
    ByteChannel::over_ends(ends, request.wait_mode, capacity)
}

/// Makes two pipes that connect a client and a server. Returns the client's ends as a link, and the server's ends:
/// standard input and output of one process or of two.
pub(crate) fn connected_pair() -> io::Result<(Link, OwnedFd, OwnedFd)> {
    let ConnectedPair { client, server } = make(&Tuning::default())?;
    Ok((link(client)?, server.read, server.write))
}
