//! Reports how many connections the kernel queues for a server that does not accept.

use std::time::{Duration, Instant};

use crate::check::{self, Finding};
use crate::checks::Check;
use crate::deadline::until;
use crate::outcome::Level::May;
use crate::server::Server;
use crate::transport::{Capabilities, PendingConnection};

pub const CHECK: Check = Check {
    id: "load/backlog",
    level: May,
    sentence: "the kernel completes forty connections at once while the server is too busy to accept them",
    why: "if the listen queue is short, the kernel drops the rest: over TCP a client tries again after a second, on a Unix domain socket it is refused",
    citations: &["listen(2)", "RFC 9293 §3.10.7.2", "unix(7) (EAGAIN)"],
    recipe: "stop the server; begin 40 connections without waiting; count those that are established within 0.2 s; continue the server",
    requires: Capabilities::CONNECTIONS.union(Capabilities::MANY_CLIENTS).union(Capabilities::BINDS),
    run,
};

const CLIENTS: usize = 40;

/// The time within which a connection to a stopped server counts as queued: much less than the second after which TCP
/// sends SYN again, and much more than loopback needs.
const AT_ONCE: Duration = Duration::from_millis(200);

fn run(server: &mut Server) -> check::Result {
    drop(server.connect_and_exchange()?);
    server.freeze()?;
    let pending: Vec<PendingConnection> =
        (0..CLIENTS).map(|_| server.begin_connect()).collect::<check::Result<_>>()?;
    let (mut taken, mut since) = (0, Instant::now());
    // The handshakes of a busy machine may come late, but not so late as the next try of a client.
    until(server.deadlines().reply(), || {
        let now = pending.iter().filter(|connection| connection.is_established()).count();
        if now != taken {
            (taken, since) = (now, Instant::now());
        }
        Ok((taken == CLIENTS || taken > 0 && since.elapsed() >= AT_ONCE).then_some(()))
    })?;
    server.thaw()?;
    if taken == CLIENTS {
        return Ok(());
    }
    Err(Finding::info(
        format!("{CLIENTS} connections established at once"),
        format!("{taken}; the other clients must try again"),
    ))
}
