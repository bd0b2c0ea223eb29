//! Checks that a client in the middle of its request does not keep the server from others.

use std::time::Duration;

use crate::check::{self, Finding};
use crate::checks::requests::MANY_CLIENTS_OVER_STREAMS;
use crate::checks::{Check, steps};
use crate::outcome::{Level::Should, Outcome};
use crate::server::Server;
use crate::transport::{Capabilities, Client};

pub const CHECK: Check = Check {
    id: "load/half-request-blocks-none",
    level: Should,
    sentence: "while a client has sent only the first half of its request, other clients are answered",
    why: "a server that waits in its only loop, or under a lock, for the rest of a request can be stopped by any client that sends a part of one",
    citations: &["recv(2)", "poll(2)", "CWE-400"],
    recipe: "A sends half of a request; 3 other clients, one after another, connect and exchange a message (not for servers that serve one client at a time; if one is not answered, 8 more ask at once: a server that answers some of them serves only the clients of one worker late)",
    requires: MANY_CLIENTS_OVER_STREAMS.union(Capabilities::CONCURRENT_CLIENTS),
    run,
};

/// The number of clients that must be served beside a client in the middle of its request.
const OTHERS: usize = 3;

/// The number of clients that ask at once if one of the others was not answered.
const MORE: usize = 8;

fn run(server: &mut Server) -> check::Result {
    if !steps::serves_two_clients(server)? {
        return Ok(()); // The server serves one client at a time, so all others wait by design.
    }
    let mut half = server.connect()?;
    half.begin_request(b"in two halves")?;
    server.await_reaction()?;
    for _ in 0..OTHERS {
        let mut other = server.connect()?;
        match other.exchange(b"meanwhile").and_then(|()| other.finish()) {
            Err(finding) if finding.outcome == Outcome::Timeout => {
                return Err(judge(server, half, &mut other, finding)?);
            }
            served => served?,
        }
    }
    Ok(())
}

/// Judges a server that did not answer `other` while the client `half` was in the middle of its request.
///
/// A server with several workers may assign a client to a worker before that one is free. If any of several more
/// clients is answered, the half request keeps only one worker.
fn judge(
    server: &mut Server,
    mut half: Client,
    other: &mut Client,
    found: Finding,
) -> check::Result<Finding> {
    let mut more = Vec::with_capacity(MORE);
    for _ in 0..MORE {
        let mut client = server.connect()?;
        client.send(b"meanwhile")?;
        more.push(client);
    }
    more[0].is_answered_within(server.deadlines().reply())?;
    for client in &mut more {
        if client.readable_within(Duration::ZERO)? {
            let actual = "one waits, and others are answered: each worker of the server serves one client";
            return Ok(Finding::info("all clients answered beside half a request", actual));
        }
    }
    drop(more);
    let completed = half.complete_request(b"in two halves");
    let limit = server.deadlines().reply();
    if completed.is_ok() && other.is_answered_within(limit)? {
        return Ok(found.because(
            "another client had sent half a request, and this one was answered when the other half had come: the server waits for the rest of a request in a call or under a lock that stops it for all clients",
        ));
    }
    drop(half);
    let cause = if other.is_answered_within(limit)? {
        "another client had sent half a request, and this one was answered when that client had left"
    } else {
        "another client had sent half a request"
    };
    Ok(found.because(cause))
}
