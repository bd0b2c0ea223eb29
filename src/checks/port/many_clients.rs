//! Checks two hundred clients at one address, each with bytes of its own.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use crate::check::{self, Finding};
use crate::checks::steps::ask_all;
use crate::checks::{Check, pace};
use crate::deadline::until;
use crate::outcome::{Level::Must, Outcome};
use crate::server::Server;
use crate::transport::{Capabilities, Client};

pub const MANY_CLIENTS_OF_PORT: Check = Check {
    id: "port/many-clients",
    level: Must,
    sentence: "two hundred clients connected at once to one port, each from its own port, each receive only their own bytes",
    why: "buffers that clients share, or connections confused after a close, give one client's data to another",
    citations: &["RFC 862", "RFC 9293 §3.4.1", "accept(2)"],
    recipe: "connect and leave 20 times, every other time without waiting for the answer; open 200 clients, or 30 if the server is slow, each answered; stop the server while all send bytes of their own, and continue it; read the echo of each, then shut down the write side of each and expect end of file",
    requires: Capabilities::DISTINCT_REPLIES
        .union(Capabilities::CONCURRENT_CLIENTS)
        .union(Capabilities::MANY_CLIENTS)
        .union(Capabilities::PORT),
    run,
};

pub const MANY_CLIENTS_OF_PATH: Check = Check {
    id: "path/many-clients",
    level: Must,
    sentence: "two hundred clients connected at once to one path each receive only their own bytes",
    why: MANY_CLIENTS_OF_PORT.why,
    citations: &["RFC 862", "unix(7)", "accept(2)"],
    recipe: MANY_CLIENTS_OF_PORT.recipe,
    requires: Capabilities::DISTINCT_REPLIES
        .union(Capabilities::CONCURRENT_CLIENTS)
        .union(Capabilities::MANY_CLIENTS)
        .union(Capabilities::SOCKET_PATH),
    run,
};

const CLIENTS: usize = 200;

/// The number of clients of a slow server.
const FEWEST: usize = 30;

/// The number of datagram clients that send at once. A socket's receive buffer holds about a hundred small datagrams;
/// UDP drops the rest.
const BURST: usize = 40;

fn run(server: &mut Server) -> check::Result {
    pace::repeat(10, 2, |_| serve_one(server).and_then(|()| leave_unanswered(server)))?;
    let first = server.connect_and_hold()?;
    let concurrent = server.serves_concurrently()?;
    drop(first);
    if !concurrent {
        return one_after_another(server);
    }
    let connected = Instant::now();
    let (mut clients, mut slowest) = (Vec::new(), Duration::ZERO);
    let all_connected = pace::repeat(CLIENTS, FEWEST, |_| {
        clients.push(connect_next(server, &mut slowest)?);
        Ok(())
    });
    match all_connected {
        Err(finding) if finding.outcome.was_not_asked() => return Err(finding),
        Err(finding) => return judge_limit(server, clients, finding),
        Ok(_) => {}
    }
    distinct_ports(server, &clients)?;
    let capabilities = server.spec().capabilities();
    let at_once = if capabilities.contains(Capabilities::CONNECTIONLESS) { BURST } else { CLIENTS };
    for clients in clients.chunks_mut(at_once) {
        if !exchange_with_all(server, clients, connected)? {
            return Ok(());
        }
    }
    clients.iter_mut().try_for_each(Client::finish)
}

/// Connects a client, and exchanges a message with it if the connection then stays open. `slowest` is the longest time
/// that the clients before it took: a server that lets this one wait much longer, although it could run, serves no more.
fn connect_next(server: &mut Server, slowest: &mut Duration) -> check::Result<Client> {
    // Far more than the clients of a server that takes all of them differ.
    const LONGER: u32 = 20;
    if slowest.is_zero() || !server.spec().capabilities().contains(Capabilities::STAYS_OPEN) {
        let began = Instant::now();
        let client = server.connect_ready()?;
        *slowest = began.elapsed();
        return Ok(client);
    }
    let patience = (*slowest * LONGER).clamp(server.deadlines().reply(), server.deadlines().no_progress());
    let began = Instant::now();
    let mut client = server.connect()?;
    client.send(b"here")?;
    if !client.is_answered_within(patience)? {
        let actual = format!("none in {:.1} s", patience.as_secs_f64());
        return Err(Finding::timeout("a reply", actual));
    }
    client.expect(b"here")?;
    *slowest = began.elapsed().max(*slowest);
    Ok(client)
}

fn serve_one(server: &mut Server) -> check::Result {
    let mut client = server.connect_and_exchange()?;
    client.finish()
}

/// Sends a message from a client that leaves before it is answered. Its answer must not reach another client.
fn leave_unanswered(server: &mut Server) -> check::Result {
    // Few enough for one write.
    let bytes = server.payload(500);
    let mut client = server.connect_ready()?;
    client.send(&bytes)
}

/// Lets every client send while the server is stopped, and compares the reply to each. Returns whether all were served.
fn exchange_with_all(server: &mut Server, clients: &mut [Client], connected: Instant) -> check::Result<bool> {
    let payloads: Vec<_> = clients.iter().map(|_| server.payload(1000)).collect();
    ask_all(server, clients, &payloads, connected, |server, send| {
        let stopped = stop(server)?;
        send();
        if stopped { server.thaw() } else { Ok(()) }
    })
}

/// Stops the server, so that it finds the bytes of all clients at once when it continues. Returns false if it is left
/// running.
///
/// A server on Unix datagrams is left running, since its queue holds ten. So is one on a system that does not report
/// whether a process has stopped.
fn stop(server: &mut Server) -> check::Result<bool> {
    let queued = Capabilities::CONNECTIONS.union(Capabilities::UDP);
    if server.is_attached() || !server.spec().capabilities().intersects(queued) {
        return Ok(false);
    }
    match server.freeze() {
        Ok(()) => Ok(true),
        Err(finding) if finding.outcome == Outcome::Unsupported => Ok(false),
        Err(finding) => Err(finding),
    }
}

/// Judges a server that did not serve the next of many clients: it passes, with a note, if it serves clients again
/// once `clients` have left.
fn judge_limit(server: &mut Server, clients: Vec<Client>, finding: Finding) -> check::Result {
    let served = clients.len();
    drop(clients);
    if recovers(server)? {
        let wanted = format!("{CLIENTS} clients at once");
        return Err(Finding::info(wanted, format!("{served} at once; the next: {}", finding.actual)));
    }
    Err(finding.because(format!("at client {}, and no client is served after that", served + 1)))
}

/// Reports whether the server serves a client again, after one was not served.
///
/// A client that is refused tries again. After two clients that were not answered until their deadline it gives up: a
/// single one may be due to a lost datagram.
fn recovers(server: &mut Server) -> check::Result<bool> {
    let mut unanswered = 0;
    let served = until(server.deadlines().no_progress(), || {
        match serve_one(server) {
            Ok(()) => return Ok(Some(true)),
            Err(finding) if finding.outcome == Outcome::Timeout => unanswered += 1,
            Err(_) => {}
        }
        Ok((unanswered == 2).then_some(false))
    })?;
    Ok(served.unwrap_or(false))
}

/// Checks that each client receives only its own bytes from a server that serves one client at a time. Each client
/// connects while the one before it is served, so that the server's listen queue never holds more than one.
fn one_after_another(server: &mut Server) -> check::Result {
    let mut waiting = server.connect()?;
    pace::repeat(CLIENTS, FEWEST, |number| {
        let mut client = std::mem::replace(&mut waiting, server.connect()?);
        let bytes = server.payload(1000);
        let served = client.exchange(&bytes).and_then(|()| client.finish());
        served.map_err(|finding| finding.because(format!("client {}, one after another", number + 1)))
    })?;
    Err(Finding::info(
        "clients served at the same time",
        "one at a time: each waits until the one before has gone",
    ))
}

fn distinct_ports(server: &Server, clients: &[Client]) -> check::Result {
    if !server.spec().capabilities().contains(Capabilities::PORT) {
        return Ok(());
    }
    let ports: HashSet<u16> = clients
        .iter()
        .filter_map(|client| client.local_address().ok())
        .map(|address| address.port())
        .collect();
    if ports.len() == clients.len() {
        return Ok(());
    }
    Err(Finding::broken(
        "a port of its own for each client",
        format!("{} ports for {} clients", ports.len(), clients.len()),
    ))
}
