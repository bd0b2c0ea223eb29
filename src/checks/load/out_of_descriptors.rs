//! Checks a server that has no descriptor left for its next client: accept(2) fails with EMFILE.

use std::time::Duration;

use nix::unistd::Pid;

use crate::check::{self, Finding};
use crate::checks::{Check, steps};
use crate::deadline::{INTERRUPT_CHECK_INTERVAL, until};
use crate::outcome::Level::Should;
use crate::server::{LaunchOptions, Server};
use crate::transport::{Capabilities, Client};

pub const CHECK: Check = Check {
    id: "load/out-of-descriptors",
    level: Should,
    sentence: "a server without a free descriptor keeps running, uses little processor time, and serves again after clients have left",
    why: "accept(2) fails and the client stays in the queue; a server that takes this as fatal exits, and one that tries again at once uses a whole processor",
    citations: &["accept(2) (EMFILE)", "getrlimit(2) (RLIMIT_NOFILE)", "epoll(7)"],
    recipe: "launch the server with 64 descriptors; connect up to 90 clients, one at a time, until one is not answered, and 4 more (if the server closes after one reply: 90 clients that send nothing, until its table is full, and 4 more); measure processor time as in load/idle; disconnect all; exchange a message with a new client",
    requires: Capabilities::CONNECTIONS.union(Capabilities::MANY_CLIENTS).union(Capabilities::LAUNCHED),
    run,
};

/// The number of descriptors that the server may open during a check. Interpreters need about thirty for themselves.
const LIMIT: u32 = 64;
const CLIENTS: usize = 90;
/// The harm of a server that accepts no client any more, as a report states it.
const GIVES_UP: &str =
    "a moment with many clients ends the service for all that come later, until the server is started again";

/// The number of clients that connect after the first one that a server without free descriptors does not answer.
const MORE: usize = 4;

fn run(server: &mut Server) -> check::Result {
    let options = LaunchOptions { descriptor_limit: Some(LIMIT), ..server.options() };
    // No verdict: a server may need more descriptors before its first client.
    let mut limited = server.launch_if_possible(options, format!("a start with {LIMIT} descriptors"))?;
    let stays_open = server.spec().capabilities().contains(Capabilities::STAYS_OPEN);
    let outcome = if stays_open { fill_table(&mut limited) } else { fill_table_with_silent(&mut limited) };
    outcome.map_err(|finding| limited.diagnose(finding))
}

/// Connects clients until the server has no free descriptor. Checks the server then, and again after the clients have
/// left.
fn fill_table(server: &mut Server) -> check::Result {
    let mut clients = Vec::new();
    while clients.len() < CLIENTS {
        let mut client = server.connect()?;
        let answered = is_answered(server, &mut client)?;
        clients.push(client);
        if !answered {
            break;
        }
    }
    let answered = clients.len() - 1;
    if clients.len() == CLIENTS {
        return Ok(()); // The server does not need a descriptor for each client.
    }
    // Some servers call accept(2) again only when the next client connects.
    for _ in 0..MORE {
        let Ok(client) = server.connect() else { break };
        clients.push(client);
    }
    let state = format!(
        "with {LIMIT} descriptors, {answered} clients served and {} waiting",
        clients.len() - answered
    );
    steps::expect_idle(server, &state)?;
    drop(clients);
    expect_service(server).map_err(|finding| {
        finding.because(format!("after all clients have left; before, it ran {state}")).harms(GIVES_UP)
    })
}

/// Connects clients that send nothing until the server has no free descriptor. Checks the server then, and again
/// after they have left. This is for a server that closes after one reply, so that a client that was answered holds
/// no descriptor.
fn fill_table_with_silent(server: &mut Server) -> check::Result {
    let served = server.connect_and_exchange().map(drop);
    served.map_err(|finding| {
        Finding::unsupported(format!("a reply from the server with {LIMIT} descriptors"), finding.actual)
    })?;
    let (mut clients, mut not_accepted) = (Vec::new(), 0);
    while clients.len() < CLIENTS && not_accepted < MORE && !is_full(server)? {
        let before = most_descriptors(server)?;
        let Ok(client) = server.connect() else { break };
        clients.push(client);
        let accepted =
            until(INTERRUPT_CHECK_INTERVAL, || Ok((most_descriptors(server)? > before).then_some(())))?;
        if accepted.is_none() {
            server.await_reaction()?;
        }
        let accepted = accepted.is_some() || most_descriptors(server)? > before;
        not_accepted = if accepted { 0 } else { not_accepted + 1 };
    }
    await_full(server, clients.len())?;
    for _ in 0..MORE {
        let Ok(client) = server.connect() else { break };
        clients.push(client);
    }
    let state = format!("with {LIMIT} descriptors, all in use, and {} connected clients", clients.len());
    steps::expect_idle(server, &state)?;
    // A server may limit the time that it waits for a request.
    await_full(server, clients.len())?;
    drop(clients);
    expect_service(server)
        .map_err(|finding| finding.because(format!("after all clients have left; before, it ran {state}")))
}

/// Waits until a process of the server has no free descriptor.
fn await_full(server: &Server, clients: usize) -> check::Result {
    let full = until(server.deadlines().reply(), || Ok(is_full(server)?.then_some(())))?;
    if server.processes()?.is_empty() {
        return Err(Finding::fail("a server that runs without a free descriptor", "it has ended"));
    }
    full.ok_or_else(|| {
        let most = most_descriptors(server).unwrap_or_default();
        Finding::unsupported(
            format!("a process of the server with {LIMIT} open descriptors"),
            format!("it has {most}, with {clients} clients that send nothing"),
        )
    })
}

/// Reports whether the server answers `client`. Returns false early if the server's descriptor table is full.
fn is_answered(server: &Server, client: &mut Client) -> check::Result<bool> {
    if client.send(b"?").is_err() {
        return Ok(false);
    }
    let limit = server.deadlines().reply();
    let mut full_at = 0;
    let answered = until(limit, || {
        if client.readable_within(Duration::ZERO)? {
            return Ok(Some(client.expect(b"?").is_ok()));
        }
        full_at = if is_full(server)? { full_at + 1 } else { 0 };
        Ok((full_at > 8).then_some(false))
    })?;
    match answered {
        Some(answered) => Ok(answered),
        None => Ok(client.is_answered_within(Duration::ZERO)? && client.expect(b"?").is_ok()),
    }
}

fn is_full(server: &Server) -> check::Result<bool> {
    Ok(most_descriptors(server)? >= LIMIT as usize)
}

/// Returns the number of descriptors of the server's process that has the most.
fn most_descriptors(server: &Server) -> check::Result<usize> {
    let count = |pid: Pid| server.descriptor_count(pid).unwrap_or(0);
    Ok(server.processes()?.iter().map(|process| count(process.pid)).max().unwrap_or(0))
}

/// Fails unless the server soon answers a new client. Some servers pause for about a second before they accept again.
fn expect_service(server: &mut Server) -> check::Result {
    let mut last = Ok(());
    let served = until(server.deadlines().no_progress(), || {
        last = server.connect_and_exchange().map(drop);
        Ok(last.is_ok().then_some(()))
    })?;
    served.map_or(last, Ok)
}
