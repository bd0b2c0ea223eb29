//! Who has children must ask after them.

use crate::check::{self, Finding};
use crate::checks::Check;
use crate::checks::elsewhere::serves;
use crate::checks::holders::called;
use crate::deadline::until;
use crate::outcome::Level::Should;
use crate::server::Server;
use crate::sys::Process;
use crate::text::count;
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "life/no-zombies",
    level: Should,
    says: "a process that was made for a client is reaped once that client has gone",
    why: "each zombie keeps an entry of the process table, and when those run out nobody can fork any more",
    cites: &["wait(2)", "fork(2) (EAGAIN)"],
    recipe: "12 clients one by one, each to its end; one client more, so that a server that reaps when it accepts can do so; list the zombies whose parent is the server; again with 12 clients that leave at one moment, while the main process is stopped, and 12 more one by one",
    needs: Capabilities::CONNECTIONS.union(Capabilities::MANY_CLIENTS),
    run,
};

const CLIENTS: usize = 12;

/// One that reaps one child at each accept is always a client or two behind.
const BEHIND: usize = 2;

fn run(server: &mut Server) -> check::Result {
    serves(server, CLIENTS)?;
    are_reaped(server, 1, "one by one")?;
    if server.spec().offers().contains(Capabilities::AT_ONCE) && leave_at_once(server)? {
        are_reaped(server, CLIENTS, "at one moment: several deaths can be one SIGCHLD")?;
    }
    Ok(())
}

/// Clients that all leave while the server cannot look; false if it serves one after another.
fn leave_at_once(server: &mut Server) -> check::Result<bool> {
    let mut crowd = vec![server.connect_and_exchange()?];
    if !server.serves_concurrently()? {
        return Ok(false);
    }
    while crowd.len() < CLIENTS {
        crowd.push(server.connect_and_exchange()?);
    }
    let before = server.processes()?.len();
    server.freeze()?;
    drop(crowd);
    // Only a server with processes for its clients becomes smaller.
    let smaller = || Ok((server.processes()?.len() + CLIENTS <= before).then_some(()));
    until(server.deadlines().quiet(), smaller)?;
    server.thaw()?;
    Ok(true)
}

/// `chances` more clients come, for a server that reaps when it accepts.
fn are_reaped(server: &mut Server, chances: usize, left_how: &str) -> check::Result {
    if until(server.deadlines().quiet(), || reaped(server, 0))?.is_some() {
        return Ok(());
    }
    serves(server, chances - 1)?;
    let _one_more = server.connect_and_exchange()?;
    if until(server.deadlines().reply(), || reaped(server, BEHIND))?.is_some() {
        return Ok(());
    }
    let left = server.zombies()?;
    let wanted = format!("the children of {} reaped", count(CLIENTS, "client"));
    let examples = left.iter().take(3).map(called).collect::<Vec<_>>().join(", ");
    Err(Finding::fail(wanted, format!("{} of them are zombies: {examples}", left.len()))
        .because(format!("the clients left {left_how}"))
        .because(parent(&left)))
}

fn reaped(server: &Server, left: usize) -> check::Result<Option<()>> {
    Ok((server.zombies()?.len() <= left).then_some(()))
}

fn parent(zombies: &[Process]) -> String {
    zombies
        .first()
        .map(|zombie| format!("process {} does not wait for them", zombie.parent))
        .unwrap_or_default()
}
