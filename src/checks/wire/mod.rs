//! What a server makes pass on the wire: packets, and not what the client's kernel makes of them.

use std::net::SocketAddr;

use super::Check;
use crate::check::{self, Finding};
use crate::server::Server;

mod handshake;
mod orderly_close;
mod two_datagrams;

pub(super) const CHECKS: &[&Check] = &[&handshake::CHECK, &orderly_close::CHECK, &two_datagrams::CHECK];

fn address(server: &Server) -> check::Result<SocketAddr> {
    server.address().inet().ok_or_else(|| Finding::broken("a port to watch", "the server has none"))
}
