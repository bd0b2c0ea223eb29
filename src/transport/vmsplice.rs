//! Two pipes, to which the client lends its memory instead of copying it: vmsplice(2).
//!
//! With a server that moves pages (splice(2)), nothing is copied on the way to the server. On the way back the client's
//! read(2) copies once, because the client must see the bytes. Only the client can save a copy: a server could lend
//! only memory that it has copied the bytes into.

use std::io;

use super::inherited::no_address_error;
use super::{ByteChannel, Capacity, Channel, ChannelRequest, Transport, pipe};
use crate::sys::vmsplice;

pub(super) const TRANSPORT: Transport = Transport {
    name: "pipe-vmsplice",
    summary: "standard input to standard output, through two pipes that are lent memory",
    open_channel,
    ..pipe::TRANSPORT
};

fn open_channel(request: ChannelRequest<'_>) -> io::Result<Box<dyn Channel>> {
    let ends = request.ends.ok_or_else(no_address_error)?;
    let capacity = Capacity::of_spliced_pipe(&ends.write)?;
    ByteChannel::with_write_call(vmsplice, ends, request.wait_mode, capacity)
}
