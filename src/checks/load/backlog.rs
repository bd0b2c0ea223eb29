//! The queue before accept(2).

use std::time::Duration;

use crate::check::{self, Finding};
use crate::checks::Check;
use crate::deadline::until;
use crate::outcome::Level::May;
use crate::server::Server;
use crate::transport::{Capabilities, PendingConnection};

pub const CHECK: Check = Check {
    id: "load/backlog",
    level: May,
    says: "forty clients that come at once are all taken, though the server has no time for them yet",
    why: "with a short queue the rest are dropped: TCP tries again after a second, a Unix domain socket refuses",
    cites: &["listen(2)", "RFC 9293 §3.10.7.2", "unix(7) (EAGAIN)"],
    recipe: "stop the server, begin 40 connections without waiting, count those that are there within 0.2 s, let the server go on",
    needs: Capabilities::CONNECTIONS.union(Capabilities::MANY_CLIENTS).union(Capabilities::BINDS),
    run,
};

const CLIENTS: usize = 40;

/// Far below the second after which TCP tries again, and far above what loopback needs.
const AT_ONCE: Duration = Duration::from_millis(200);

fn run(server: &mut Server) -> check::Result {
    drop(server.connect_and_exchange()?);
    server.freeze()?;
    let knocks: Vec<PendingConnection> =
        (0..CLIENTS).map(|_| server.begin_connect()).collect::<check::Result<_>>()?;
    let mut taken = 0;
    until(AT_ONCE, || {
        taken = knocks.iter().filter(|knock| knock.is_established()).count();
        Ok((taken == CLIENTS).then_some(()))
    })?;
    server.thaw()?;
    if taken == CLIENTS {
        return Ok(());
    }
    Err(Finding::info(
        format!("{CLIENTS} clients taken at once"),
        format!("{taken}; the others must try again"),
    ))
}
