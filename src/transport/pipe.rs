//! Two pipes as the standard input and output of a server, one process for each client. pipe(7).

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use super::{Address, Dial, Link, Needs, Reserved, Transport};

pub(super) const TRANSPORT: Transport = Transport {
    name: "pipe",
    says: "standard input to standard output, through two pipes",
    offers: Needs::STREAM.union(Needs::HALF_CLOSE).union(Needs::STDIO),
    placeholders: &[],
    reserve,
    dial,
};

fn reserve(_scratch: &Path) -> io::Result<Reserved> {
    Ok(Reserved { address: Address::Stdio, _hold: None })
}

/// A pipe is not reached but inherited: the server is launched with it.
fn dial(_dial: &Dial<'_>) -> io::Result<Link> {
    Err(io::Error::other("a pipe server is reached only through its own standard input and output"))
}

/// The near ends as a link, and the far ends for the server's standard input and output.
pub(crate) fn pair() -> io::Result<(Link, OwnedFd, OwnedFd)> {
    let (input, to) = os_pipe::pipe()?;
    let (from, output) = os_pipe::pipe()?;
    let link = Link::pipes(File::from(OwnedFd::from(to)), File::from(OwnedFd::from(from)))?;
    Ok((link, input.into(), output.into()))
}
