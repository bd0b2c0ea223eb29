//! Hundreds of clients at one address, each with its own bytes.

use std::collections::HashSet;

use crate::check::{self, Finding};
use crate::checks::Check;
use crate::deadline::until;
use crate::outcome::{Level::Must, Outcome};
use crate::server::Server;
use crate::transport::{Capabilities, Client};

pub const PORT: Check = Check {
    id: "port/many-clients",
    level: Must,
    says: "two hundred clients at once on one port, each from a port of its own, each get just their own bytes",
    why: "shared buffers and connections mixed up after a close hand one client's data to another",
    cites: &["RFC 862", "RFC 9293 §3.4.1", "accept(2)"],
    recipe: "connect and leave 20 times, every other time without waiting for the answer; open 200 clients, each answered; the server is stopped while all send bytes of their own, and continued; then all read; all end orderly",
    needs: Capabilities::AT_ONCE.union(Capabilities::MANY_CLIENTS).union(Capabilities::PORT),
    run,
};

pub const PATH: Check = Check {
    id: "path/many-clients",
    level: Must,
    says: "two hundred clients at once on one path each get just their own bytes",
    why: PORT.why,
    cites: &["RFC 862", "unix(7)", "accept(2)"],
    recipe: PORT.recipe,
    needs: Capabilities::AT_ONCE.union(Capabilities::MANY_CLIENTS).union(Capabilities::SOCKET_PATH),
    run,
};

const CLIENTS: usize = 200;

/// A datagram socket's receive buffer holds about a hundred small datagrams, and UDP drops the rest.
const BURST: usize = 40;

fn run(server: &mut Server) -> check::Result {
    for _ in 0..10 {
        visit(server)?;
        rush_off(server)?;
    }
    let first = server.connect_and_exchange()?;
    if !server.serves_concurrently()? {
        drop(first);
        return one_after_another(server);
    }
    let mut crowd = vec![first];
    while crowd.len() < CLIENTS {
        match server.connect_and_exchange() {
            Ok(client) => crowd.push(client),
            Err(finding) if finding.outcome == Outcome::Broken => return Err(finding),
            Err(finding) => return limit(server, crowd, finding),
        }
    }
    distinct_ports(server, &crowd)?;
    let offers = server.spec().offers();
    let wave = if offers.contains(Capabilities::CONNECTIONLESS) { BURST } else { CLIENTS };
    for clients in crowd.chunks_mut(wave) {
        everyone_speaks(server, clients)?;
    }
    crowd.iter_mut().try_for_each(|client| client.finish())
}

fn visit(server: &mut Server) -> check::Result {
    let mut client = server.connect_and_exchange()?;
    client.finish()
}

/// A client that leaves before it is answered: what was meant for it must reach nobody else.
fn rush_off(server: &mut Server) -> check::Result {
    // So few that they are written at once: what several writes meet is another check's matter.
    let bytes = server.payload(500);
    let mut client = server.connect_and_exchange()?;
    client.send(&bytes)
}

fn everyone_speaks(server: &mut Server, clients: &mut [Client]) -> check::Result {
    let payloads: Vec<_> = clients.iter().map(|_| server.payload(1000)).collect();
    let stands_still = stops(server)?;
    let sent = clients.iter_mut().zip(&payloads).try_for_each(|(client, bytes)| client.send(bytes));
    if stands_still {
        server.thaw()?;
    }
    sent?;
    for (number, (client, bytes)) in clients.iter_mut().zip(&payloads).enumerate() {
        client
            .expect(bytes)
            .map_err(|finding| finding.because(format!("client {} of the crowd", number + 1)))?;
    }
    Ok(())
}

/// All that is sent to a stopped server it meets at one moment. Where the system does not tell whether it has stopped,
/// it is left running; so is one on Unix datagrams, whose queue holds ten.
fn stops(server: &mut Server) -> check::Result<bool> {
    if !server.spec().offers().intersects(Capabilities::CONNECTIONS.union(Capabilities::UDP)) {
        return Ok(false);
    }
    match server.freeze() {
        Ok(()) => Ok(true),
        Err(finding) if finding.outcome == Outcome::Unsupported => Ok(false),
        Err(finding) => Err(finding),
    }
}

/// A cap on clients is a limit to be told; a server that serves nobody after it is broken.
fn limit(server: &mut Server, crowd: Vec<Client>, finding: Finding) -> check::Result {
    let served = crowd.len();
    drop(crowd);
    if recovers(server)? {
        let wanted = format!("{CLIENTS} clients at once");
        return Err(Finding::info(wanted, format!("{served} at once; the next: {}", finding.actual)));
    }
    Err(finding.because(format!("at client {}, and nobody is served after that", served + 1)))
}

/// Whether some client is served again. Those turned away at once try again and again; one whom nobody answers
/// has waited for long, and is given up with the second of its kind: of datagrams a single one may be lost.
fn recovers(server: &mut Server) -> check::Result<bool> {
    let mut unanswered = 0;
    let served = until(server.deadlines().no_progress(), || {
        match visit(server) {
            Ok(()) => return Ok(Some(true)),
            Err(finding) if finding.outcome == Outcome::Timeout => unanswered += 1,
            Err(_) => {}
        }
        Ok((unanswered == 2).then_some(false))
    })?;
    Ok(served.unwrap_or(false))
}

/// Each client is open while the one before it is served: two at a time, which any backlog holds.
fn one_after_another(server: &mut Server) -> check::Result {
    let mut waiting = server.connect()?;
    for number in 1..=CLIENTS {
        let mut client = std::mem::replace(&mut waiting, server.connect()?);
        let bytes = server.payload(1000);
        let served = client.exchange(&bytes).and_then(|()| client.finish());
        served.map_err(|finding| finding.because(format!("client {number}, one after another")))?;
    }
    Err(Finding::info(
        "clients served at the same time",
        "one after another: each waits until the one before has gone",
    ))
}

fn distinct_ports(server: &Server, crowd: &[Client]) -> check::Result {
    if !server.spec().offers().contains(Capabilities::PORT) {
        return Ok(());
    }
    let ports: HashSet<u16> =
        crowd.iter().filter_map(|client| client.local_address().ok()).map(|address| address.port()).collect();
    if ports.len() == crowd.len() {
        return Ok(());
    }
    Err(Finding::broken(
        "a port of its own for each client",
        format!("{} ports for {} clients", ports.len(), crowd.len()),
    ))
}
