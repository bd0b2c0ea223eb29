//! A pseudo-terminal that passes every byte on as it is: the server sits at the terminal's end. pty(7), termios(3).

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;

use nix::sys::termios::{SetArg, cfmakeraw, tcgetattr, tcsetattr};

use super::{
    ByteChannel, Capabilities, Channel, Inherited, Link, Opening, Pair, Room, Shows, Transport, Tuning, pipe,
};
use crate::sys;

pub(super) const TRANSPORT: Transport = Transport {
    name: "pty",
    says: "a pseudo-terminal in raw mode",
    // A terminal has but one end: who closes it, hangs up.
    offers: Capabilities::STREAM,
    placeholders: &[],
    reserve: pipe::reserve,
    dial: pipe::dial,
    open,
    inherited: Some(Inherited { make, link, sockets: false }),
    shows: Shows::AtOnce,
};

/// A terminal as it comes edits lines, echoes what is typed, and takes some bytes for signals.
fn make(_tuning: &Tuning) -> io::Result<Pair> {
    let (near, far) = sys::open_pseudo_terminal()?;
    let mut modes = tcgetattr(&far)?;
    cfmakeraw(&mut modes);
    tcsetattr(&far, SetArg::TCSANOW, &modes)?;
    Ok(Pair { near: (near.try_clone()?, near), far: (far.try_clone()?, far) })
}

fn link(from: OwnedFd, to: OwnedFd) -> io::Result<Link> {
    Link::pipes(File::from(to), File::from(from))
}

fn open(opening: Opening<'_>) -> io::Result<Box<dyn Channel>> {
    let (from, to) = opening.ends.ok_or_else(pipe::not_inherited)?;
    ByteChannel::between(from, to, opening.waiting, Room::exactly(sys::TERMINAL_BUFFER_SIZE))
}
