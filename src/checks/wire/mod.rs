//! Checks of the packets that a server sends, recorded on the loopback interface.

use std::net::SocketAddr;

use super::Check;
use crate::check::{self, Finding};
use crate::server::Server;

mod handshake;
mod orderly_close;
mod two_datagrams;

pub(super) const CHECKS: &[&Check] = &[&handshake::CHECK, &orderly_close::CHECK, &two_datagrams::CHECK];

fn address(server: &Server) -> check::Result<SocketAddr> {
    server.address().inet().ok_or_else(|| Finding::broken("a port to record", "the server has none"))
}
