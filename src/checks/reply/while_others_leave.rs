//! Checks that half a request stays whole while other clients come and leave.

use std::time::Instant;

use crate::check::{self, Finding};
use crate::checks::requests::MANY_CLIENTS_OVER_STREAMS;
use crate::checks::{Check, steps};
use crate::outcome::{Level::Must, Outcome};
use crate::server::Server;
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "reply/while-others-leave",
    level: Must,
    sentence: "a request is answered even if other clients leave or come between its two halves",
    why: "a server that moves a client to another slot of its table when one leaves, and not the bytes that it has read, loses or mixes up half a request",
    citations: &["RFC 9293 §3.4.1", "close(2)", "poll(2)"],
    recipe: "B connects and exchanges a message; A connects and sends half of a request; B leaves; A sends the rest, and its reply is compared; the same where B connects only after A's half; the same where B leaves, and then C connects, exchanges a message and leaves (not for servers that serve one client at a time)",
    requires: MANY_CLIENTS_OVER_STREAMS.union(Capabilities::CONCURRENT_CLIENTS),
    run,
};

/// Other clients of a round: one that has connected before the half request and leaves after it, or one that connects
/// and leaves after it, or both.
struct Round {
    leaves: bool,
    comes: bool,
    description: &'static str,
}

const ROUNDS: [Round; 3] = [
    Round {
        leaves: true,
        comes: false,
        description: "a client that had connected before left between the two halves of the request",
    },
    Round {
        leaves: false,
        comes: true,
        description: "another client connected, was answered and left between the two halves of the request",
    },
    Round {
        leaves: true,
        comes: true,
        description: "between the two halves of the request a client that had connected before left, and another one connected, was answered and left",
    },
];

fn run(server: &mut Server) -> check::Result {
    if !steps::serves_two_clients(server)? {
        return Ok(()); // The server serves one client at a time, so it holds nothing of any other.
    }
    ROUNDS.iter().try_for_each(|round| ask_in_halves(server, round))
}

/// Sends a request in two halves, and lets other clients come and leave between them. At most two clients are connected
/// at any time, so that a server of two workers serves both.
fn ask_in_halves(server: &mut Server, round: &Round) -> check::Result {
    let before = round.leaves.then(|| server.connect_and_hold()).transpose()?;
    let mut client = server.connect()?;
    client.complete_opening()?;
    let (received, began) = (client.received(), Instant::now());
    client.begin_request(b"in two halves")?;
    server.await_reaction()?;
    drop(before);
    server.await_reaction()?;
    if round.comes {
        // load/half-request-blocks-none reports a server that does not answer.
        server.connect_and_exchange().and_then(|mut other| other.finish()).map_err(not_served)?;
        server.await_reaction()?;
    }
    let answered = client.complete_request(b"in two halves");
    answered.map_err(|finding| {
        // Servers close a connection whose request takes long.
        let closed = finding.outcome == Outcome::Fail && client.received() == received;
        if closed && began.elapsed() >= server.deadlines().reply() {
            return Finding::unsupported("a server that waits for the rest of a request", finding.actual);
        }
        finding.because(round.description)
    })
}

fn not_served(finding: Finding) -> Finding {
    match finding.outcome {
        Outcome::Timeout => {
            Finding::unsupported("a client that is answered beside half a request", finding.actual)
        }
        _ => finding,
    }
}
