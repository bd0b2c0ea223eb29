//! Checks clients that connect at the same moment.

use crate::check::{self, Finding};
use crate::checks::Check;
use crate::deadline::until;
use crate::outcome::{Level::Must, Outcome};
use crate::server::Server;
use crate::transport::{Capabilities, Client, PendingConnection};

pub const CHECK: Check = Check {
    id: "load/clients-arrive-together",
    level: Must,
    sentence: "clients that connect while the server is busy are all accepted and answered",
    why: "several connections that arrive together can be one event; a server that accepts one connection for each edge-triggered event leaves the others in the queue until the next client comes",
    citations: &["epoll(7) (EPOLLET)", "accept(2)", "listen(2)"],
    recipe: "stop the server; connect 8 clients, each of which sends a message unless the server speaks first; continue the server; one after another, each client is answered and leaves",
    requires: Capabilities::CONNECTIONS.union(Capabilities::MANY_CLIENTS).union(Capabilities::LAUNCHED),
    run,
};

const CLIENTS: usize = 8;

const MESSAGE: &[u8] = b"all at once";

fn run(server: &mut Server) -> check::Result {
    server.connect_and_exchange()?.finish()?;
    server.freeze()?;
    let mut clients = connect_to_stopped(server)?;
    let sends = !server.spec().protocol().receives_before_requests();
    let sent = if sends { clients.iter_mut().try_for_each(|client| client.send(MESSAGE)) } else { Ok(()) };
    server.thaw()?;
    sent?;
    let all = clients.len();
    // Each client leaves before the next one is looked at, so that a server of few clients at a time serves all.
    for (number, mut client) in clients.into_iter().enumerate() {
        let answered = if sends { client.expect(MESSAGE) } else { client.exchange(MESSAGE) };
        match answered {
            Ok(()) => client.finish()?,
            Err(finding) => return Err(judge(server, client, number, all, finding)),
        }
    }
    Ok(())
}

/// Connects clients to a stopped server. A connection that does not fit into the server's listen queue is given up.
fn connect_to_stopped(server: &mut Server) -> check::Result<Vec<Client>> {
    let pending: Vec<PendingConnection> =
        (0..CLIENTS).map(|_| server.begin_connect()).collect::<check::Result<_>>()?;
    until(server.deadlines().reply(), || {
        Ok(pending.iter().all(PendingConnection::is_established).then_some(()))
    })?;
    let mut clients = Vec::new();
    for connection in pending.into_iter().filter(PendingConnection::is_established) {
        clients.extend(server.adopt(connection)?);
    }
    if clients.len() < 2 {
        let actual = format!("the kernel queues {} for this server", clients.len());
        return Err(Finding::unsupported("two clients that wait to be accepted", actual));
    }
    Ok(clients)
}

/// Judges a server that did not answer `client` after it had answered `answered` others. A server that closes some
/// connections at once, and serves clients again later, has a limit on their number.
fn judge(server: &mut Server, mut client: Client, answered: usize, all: usize, finding: Finding) -> Finding {
    let wanted = format!("{all} clients answered that connected while the server was stopped");
    if finding.outcome == Outcome::Fail {
        if client.reset().and_then(|()| server.connect_and_exchange()).is_ok() {
            return Finding::info(wanted, format!("{answered} of them; the next: {}", finding.actual));
        }
        return finding.because(format!("client {} of {all} that connected together", answered + 1));
    }
    if finding.outcome != Outcome::Timeout {
        return finding;
    }
    let found = Finding { expected: wanted, ..finding };
    let found = Finding { actual: format!("{answered} of them; the next: {}", found.actual), ..found };
    // One more client is one more event.
    let woken = server.connect().and_then(|_more| client.is_answered_within(server.deadlines().reply()));
    if woken.unwrap_or(false) {
        return found.because(
            "it was answered when one more client connected: the server accepts one connection for each event of an edge-triggered listener, instead of all until EAGAIN",
        );
    }
    found
}
