//! A pseudo-terminal in raw mode, which changes no byte. The server has the terminal end. pty(7), termios(3).

use std::io;

use nix::sys::termios::{SetArg, cfmakeraw, tcgetattr, tcsetattr};

use super::inherited::no_address_error;
use super::{
    ByteChannel, Capabilities, Capacity, Channel, ChannelRequest, ConnectedPair, ConnectionEnds,
    InheritedConnection, Readiness, Transport, Tuning, pipe,
};
use crate::sys;

pub(super) const TRANSPORT: Transport = Transport {
    name: "pty",
    summary: "a pseudo-terminal in raw mode",
    // No half-close, and no end of input: a terminal has one end for both directions, and closing it hangs up.
    capabilities: Capabilities::STREAM.union(Capabilities::STDIO),
    placeholders: &[],
    reserve: pipe::reserve,
    connect: pipe::connect,
    open_channel,
    inherited: Some(InheritedConnection { make, link: pipe::link, sockets: false }),
    readiness: Readiness::Immediate,
};

/// Makes a pseudo-terminal in raw mode as the connection to a server. A terminal in its initial mode edits lines,
/// echoes its input, and turns some bytes into signals.
fn make(_tuning: &Tuning) -> io::Result<ConnectedPair> {
    let (client, server) = sys::open_pseudo_terminal()?;
    let mut modes = tcgetattr(&server)?;
    cfmakeraw(&mut modes);
    tcsetattr(&server, SetArg::TCSANOW, &modes)?;
    Ok(ConnectedPair { client: ConnectionEnds::duplex(client)?, server: ConnectionEnds::duplex(server)? })
}

fn open_channel(request: ChannelRequest<'_>) -> io::Result<Box<dyn Channel>> {
    let ends = request.ends.ok_or_else(no_address_error)?;
    let capacity = Capacity::of_bytes(sys::TERMINAL_BUFFER_SIZE);
    ByteChannel::over_ends(ends, request.wait_mode, capacity)
}
