//! Checks that a request which the server cannot use does not end the service for others.

use crate::check::{self, Finding};
use crate::checks::bad_requests::{BadRequest, bad_messages, bad_streams};
use crate::checks::requests::{content_length, sample_request, usual_turn};
use crate::checks::{Check, pace, steps};
use crate::outcome::Level::Must;
use crate::server::Server;
use crate::text::{count_with_noun, excerpt};
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "life/survives-bad-requests",
    level: Must,
    sentence: "a request that the server cannot use does not end the server, and keeps it from no other client",
    why: "if an error in the parser, such as a length of -1 or a byte that is no UTF-8, ends the process, any client can stop the service for all",
    citations: &[
        "RFC 1122 §1.2.2 (\"software should be written to deal with every conceivable error\")",
        "CWE-20",
        "CWE-248",
    ],
    recipe: "for each bad request: connect, send it, wait for the server's reaction, close, and exchange a message with a new client; the bad requests are made from a correct one: no bytes but a line end; bytes that are no UTF-8, and NUL bytes; an unknown name of the same length; the first word alone; each number as -1, as 0 and with 21 digits; 64 KiB without a line end; random bytes; its first half; and, of a binary request, each of its first bytes as FF and as 00. Over messages also an empty message, and the request cut to each length. The server may answer with an error, stay silent, or close the connection",
    requires: Capabilities::REQUESTS.union(Capabilities::MANY_CLIENTS).union(Capabilities::LAUNCHED),
    run,
};

/// The length of the content in the correct request.
const CONTENT: usize = 64;

/// The number of random bytes.
const RANDOM: usize = 300;

/// The number of bad requests after which a slow server is not asked further. The most likely come first.
const ENOUGH: usize = 12;

fn run(server: &mut Server) -> check::Result {
    let bad = bad_requests(server);
    pace::repeat(bad.len(), ENOUGH, |number| send(server, &bad[number]))?;
    Ok(())
}

fn bad_requests(server: &mut Server) -> Vec<BadRequest> {
    let protocol = server.spec().protocol().clone();
    let turn = &protocol.turns()[usual_turn(&protocol)];
    let correct = sample_request(turn, content_length(turn, CONTENT));
    let random = server.payload(RANDOM);
    let capabilities = server.spec().capabilities();
    if capabilities.contains(Capabilities::STREAM) {
        bad_streams(correct.bytes(), &random)
    } else {
        bad_messages(correct.message(), &random, capabilities.contains(Capabilities::CONNECTIONLESS))
    }
}

/// Sends one bad request, and exchanges a message with the next client.
fn send(server: &mut Server, bad: &BadRequest) -> check::Result {
    let blame = |finding: Finding| {
        let length = count_with_noun(bad.bytes.len(), "byte");
        finding.because(format!("after {} ({length}): {}", bad.name, excerpt(&bad.bytes)))
    };
    let mut client = server.connect()?;
    client.complete_opening()?;
    client.send_unusable(&bad.bytes).map_err(blame)?;
    server.await_reaction()?;
    drop(client);
    if server.processes().is_ok_and(|left| left.is_empty()) {
        return Err(blame(Finding::fail("a server that serves its next client", "it has ended")));
    }
    steps::serve_clients(server, 1).map_err(blame)
}
