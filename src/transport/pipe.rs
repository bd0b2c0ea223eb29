//! Two pipes as the standard input and output of a server, one process for each client. pipe(7).

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use super::{
    Address, ByteChannel, Capabilities, Channel, Dial, Inherited, Link, Opening, Pair, Reserved, Room, Shows,
    Transport, Tuning,
};

pub(super) const TRANSPORT: Transport = Transport {
    name: "pipe",
    says: "standard input to standard output, through two pipes",
    offers: Capabilities::STREAM.union(Capabilities::HALF_CLOSE).union(Capabilities::STDIO),
    placeholders: &[],
    reserve,
    dial,
    open,
    inherited: Some(Inherited { make, link, sockets: false }),
    shows: Shows::AtOnce,
};

pub(super) fn reserve(_scratch: &Path) -> io::Result<Reserved> {
    Ok(Reserved { address: Address::Stdio, _hold: None })
}

/// A pipe is not reached but inherited: the server is launched with it.
pub(super) fn dial(_dial: &Dial<'_>) -> io::Result<Link> {
    Err(not_inherited())
}

pub(super) fn not_inherited() -> io::Error {
    io::Error::other("this server is reached only through its own standard input and output")
}

pub(super) fn make(tuning: &Tuning) -> io::Result<Pair> {
    let (input, to) = os_pipe::pipe()?;
    let (from, output) = os_pipe::pipe()?;
    tuning.size_pipe(&input)?;
    tuning.size_pipe(&output)?;
    Ok(Pair { near: (from.into(), to.into()), far: (input.into(), output.into()) })
}

pub(super) fn link(from: OwnedFd, to: OwnedFd) -> io::Result<Link> {
    Link::pipes(File::from(to), File::from(from))
}

fn open(opening: Opening<'_>) -> io::Result<Box<dyn Channel>> {
    let (from, to) = opening.ends.ok_or_else(not_inherited)?;
    let room = Room::of_pipe(&to)?;
    ByteChannel::between(from, to, opening.waiting, room)
}

/// The near ends as a link, and the far ends for the standard input and output of one process or of two.
#[cfg(feature = "cli")]
pub(crate) fn pair() -> io::Result<(Link, OwnedFd, OwnedFd)> {
    let Pair { near: (from, to), far: (input, output) } = make(&Tuning::default())?;
    Ok((link(from, to)?, input, output))
}
