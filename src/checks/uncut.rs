//! Requests that are sent whole, to find out whether a cut is the reason why others have failed.

use std::time::Instant;

use crate::check::{self, Finding};
use crate::outcome::Outcome;
use crate::server::Server;
use crate::text::count_with_noun;
use crate::transport::{Capabilities, Client};

/// A request that is sent whole: a turn of the protocol, and a number of bytes of content.
#[derive(Clone, Copy)]
pub(super) struct Whole {
    pub turn: usize,
    pub content: usize,
}

/// The number of requests that are sent one after another.
const IN_TURN: usize = 50;

/// The number of times that all clients ask at once: a race may show in few of them.
const ROUNDS: usize = 40;

/// Judges `found`, the failure of requests that were cut, by sending the same number of requests whole: one after another, and
/// then all at once if the cut ones were sent at once. If these fail too, returns the finding that this is so.
pub(super) fn judge(server: &mut Server, requests: &[Whole], found: Finding) -> Finding {
    if !matches!(found.outcome, Outcome::Fail | Outcome::Timeout) || server.expect_alive().is_err() {
        return found;
    }
    if let Some(finding) = ask_in_turn(server, requests) {
        return finding.because(
            "requests that are sent whole, one after another, fail as well: the cut is not the cause",
        );
    }
    if requests.len() < 2 {
        return found;
    }
    match ask_at_once(server, requests, found.outcome) {
        Some(finding) => finding.because(format!(
            "requests of {} at once fail also if each is sent whole: the cut is not the cause; reply/one-of-many asks in that way",
            count_with_noun(requests.len(), "client")
        )),
        None => found,
    }
}

/// Sends requests whole, one after another. Returns the first wrong reply.
fn ask_in_turn(server: &mut Server, requests: &[Whole]) -> Option<Finding> {
    let stays_open = server.spec().capabilities().contains(Capabilities::STAYS_OPEN);
    let mut kept = None;
    for &request in requests.iter().take(IN_TURN) {
        let content = server.payload(request.content);
        let mut client = kept.take().or_else(|| open(server).ok())?;
        send(&mut client, request, &content).ok()?;
        if let Some(finding) = failure(client.expect(&content)) {
            return Some(finding);
        }
        kept = stays_open.then_some(client);
    }
    None
}

/// Sends requests whole, each by a client of its own, before any reply is read. Returns the first reply that fails with
/// `outcome`: a server that serves few clients at a time lets the others wait.
fn ask_at_once(server: &mut Server, requests: &[Whole], outcome: Outcome) -> Option<Finding> {
    let began = Instant::now();
    for round in 0..ROUNDS {
        if round > 0 && began.elapsed() > server.deadlines().no_progress() {
            break;
        }
        let mut clients = Vec::with_capacity(requests.len());
        for &request in requests {
            let Ok(client) = open(server) else { break };
            clients.push((client, request, server.payload(request.content)));
        }
        for (client, request, content) in &mut clients {
            send(client, *request, content).ok()?;
        }
        for (mut client, _, content) in clients {
            if let Some(finding) = failure(client.expect(&content)) {
                return (finding.outcome == outcome).then_some(finding);
            }
        }
    }
    None
}

fn open(server: &mut Server) -> check::Result<Client> {
    let mut client = server.connect()?;
    client.complete_opening()?;
    Ok(client)
}

fn send(client: &mut Client, request: Whole, content: &[u8]) -> check::Result {
    client.queue_request(request.turn, content)?;
    client.send_rest()
}

fn failure(result: check::Result) -> Option<Finding> {
    result.err().filter(|finding| matches!(finding.outcome, Outcome::Fail | Outcome::Timeout))
}
