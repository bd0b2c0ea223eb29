//! Checks that a server waits for its children: wait(2).

use crate::check::{self, Finding};
use crate::checks::Check;
use crate::checks::processes::pid_and_name;
use crate::checks::steps::serve_clients;
use crate::deadline::until;
use crate::outcome::Level::Should;
use crate::server::Server;
use crate::sys::Process;
use crate::text::count_with_noun;
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "life/no-zombies",
    level: Should,
    sentence: "a process that was made for a client is reaped after that client has gone",
    why: "each zombie occupies an entry of the process table; when the table is full, fork(2) fails",
    citations: &["wait(2)", "fork(2) (EAGAIN)"],
    recipe: "serve 12 clients, one at a time; connect one more, for a server that reaps its children when it accepts; list the zombies whose parent is the server; do the same with clients that leave at once, or send a datagram at once, while the main process is stopped, and 12 more one at a time",
    requires: Capabilities::MANY_CLIENTS.union(Capabilities::PROCESSES),
    run,
};

const CLIENTS: usize = 12;

/// The number of zombies that a server may leave. A server that reaps one child at each accept(2) is always one or
/// two clients behind.
const BEHIND: usize = 2;

fn run(server: &mut Server) -> check::Result {
    for _ in 0..CLIENTS {
        serve_clients(server, 1)?;
        // The process of this client has exited before that of the next one.
        server.await_reaction()?;
    }
    expect_reaped(server, 1, "one at a time")?;
    let capabilities = server.spec().capabilities();
    if capabilities.contains(Capabilities::CONNECTIONLESS) {
        ask_at_once(server)?;
    } else if !capabilities.contains(Capabilities::CONNECTIONS.union(Capabilities::CONCURRENT_CLIENTS))
        || !leave_at_once(server)?
    {
        return Ok(());
    }
    expect_reaped(server, CLIENTS, "at once: one SIGCHLD can stand for several exits")
}

/// Lets many clients leave at once, while the server is stopped. Returns false without doing so if the server serves
/// one client at a time.
fn leave_at_once(server: &mut Server) -> check::Result<bool> {
    server.await_reaction()?;
    let without = server.processes()?.len();
    let mut clients = vec![server.connect_and_exchange()?];
    if !server.serves_concurrently()? {
        return Ok(false);
    }
    while clients.len() < CLIENTS {
        clients.push(server.connect_and_exchange()?);
    }
    let before = server.processes()?.len();
    server.freeze_if_launched()?;
    drop(clients);
    let smaller = || Ok((server.processes()?.len() + CLIENTS <= before).then_some(()));
    // The number of processes falls only if the server makes one for each client.
    if before >= without + CLIENTS {
        until(server.deadlines().exit(), smaller)?;
    }
    server.thaw()?;
    Ok(true)
}

/// The number of datagrams that wait for a stopped server: few enough for the queue of a Unix domain socket.
const DATAGRAMS: usize = 8;

/// Lets several clients send a datagram each while the server is stopped, and then reads their answers. A server that
/// makes a process for each datagram makes all of them at once.
fn ask_at_once(server: &mut Server) -> check::Result {
    let mut clients = (0..DATAGRAMS).map(|_| server.connect()).collect::<check::Result<Vec<_>>>()?;
    server.freeze_if_launched()?;
    let sent = clients.iter_mut().try_for_each(|client| client.send(b"at once"));
    server.thaw()?;
    sent?;
    clients.iter_mut().try_for_each(|client| client.expect(b"at once"))
}

/// Fails if exited children of the server stay zombies. `more_clients` connect first, for a server that reaps when it
/// accepts. `left_how` describes in a report how the clients left.
fn expect_reaped(server: &mut Server, more_clients: usize, left_how: &str) -> check::Result {
    if until(server.deadlines().quiet(), || reaped(server, 0))?.is_some() {
        return Ok(());
    }
    serve_clients(server, more_clients - 1)?;
    let _one_more = server.connect_and_exchange()?;
    if until(server.deadlines().reply(), || reaped(server, BEHIND))?.is_some() {
        return Ok(());
    }
    // On a busy machine it may not have come to that.
    server.await_reaction()?;
    if reaped(server, BEHIND)?.is_some() {
        return Ok(());
    }
    let left = server.zombies()?;
    let wanted = format!("the children of {} reaped", count_with_noun(CLIENTS, "client"));
    let examples = left.iter().take(3).map(pid_and_name).collect::<Vec<_>>().join(", ");
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
