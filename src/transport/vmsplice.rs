//! Two pipes, into which the client puts its memory instead of copies of it: vmsplice(2). With a server that moves pages
//! (splice(2)) nothing is copied on the way there, and once on the way back: a read cannot be spared, for the client
//! must see the bytes.
//!
//! That is a client's part. A server could lend only memory that it had copied the bytes into.

use std::io;

use super::{ByteChannel, Channel, Inherited, Opening, Room, Transport, pipe};
use crate::sys::vmsplice;

pub(super) const TRANSPORT: Transport = Transport {
    name: "pipe-vmsplice",
    says: "standard input to standard output, through two pipes that are lent memory",
    open,
    inherited: Some(Inherited { make: pipe::make, link: pipe::link, sockets: false }),
    ..pipe::TRANSPORT
};

fn open(opening: Opening<'_>) -> io::Result<Box<dyn Channel>> {
    let ends = opening.ends.ok_or_else(pipe::not_inherited)?;
    let room = Room::of_lent_pages(&ends.1)?;
    ByteChannel::putting(vmsplice, ends, opening.waiting, room)
}
