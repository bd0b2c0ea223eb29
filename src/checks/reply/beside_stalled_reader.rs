//! Checks requests beside a client that does not read its reply.

use crate::check::{self, Finding};
use crate::checks::Check;
use crate::checks::company::Company;
use crate::checks::requests::{MANY_CLIENTS_OVER_STREAMS, answered_turns, content_length};
use crate::checks::stall::Plan;
use crate::checks::whole::Whole;
use crate::outcome::{Level::Should, Outcome};
use crate::server::Server;
use crate::transport::{Capabilities, Client};

pub const CHECK: Check = Check {
    id: "reply/beside-stalled-reader",
    level: Should,
    sentence: "a request is answered as ever while another client reads nothing of a long reply; that client receives the rest once it reads",
    why: "what a server could not yet send to one client must be kept apart: in a buffer that clients share it goes to the next one, and a server that waits for the slow client answers no other",
    citations: &["write(2)", "send(2) (EAGAIN)", "RFC 9293 §3.8.6"],
    recipe: "A asks for a long reply, or sends many requests, and reads nothing until the server can send no more; B sends each request of the protocol and compares the replies, and so do three more clients; A reads everything and compares (not for servers that serve one client at a time)",
    requires: MANY_CLIENTS_OVER_STREAMS.union(Capabilities::STALLS),
    run,
};

const CLIENTS: usize = 4;

const CONTENT: usize = 64;

fn run(server: &mut Server) -> check::Result {
    Company::of(server)?;
    let plan = Plan::of(server)?;
    let whole = if plan.is_long { Whole::before(server, &plan).ok() } else { None };
    let mut stalled = plan.stall(server)?;
    let description = stalled.description();
    for _ in 0..CLIENTS {
        ask_all(server).map_err(|finding| finding.because(&description))?;
    }
    stalled.expect_stalled()?;
    let explain =
        |finding: Finding| finding.because(format!("others were answered while {description}; then it read"));
    stalled.receive_all(&plan).map_err(explain)?;
    match whole.map(|whole| whole.compare(server, &plan, &mut stalled.client)) {
        Some(Err(finding)) if finding.outcome != Outcome::Unsupported => Err(explain(finding)),
        _ => Ok(()), // Replies that differ anyway cannot be compared; their shape has been.
    }
}

/// Sends each request of the server's protocol: on one connection if that stays open, else each on its own.
fn ask_all(server: &mut Server) -> check::Result {
    let stays_open = server.spec().capabilities().contains(Capabilities::STAYS_OPEN);
    let protocol = server.spec().protocol().clone();
    let mut client: Option<Client> = None;
    for turn in answered_turns(&protocol) {
        let length = content_length(&protocol.turns()[turn], CONTENT);
        let content = server.payload(length);
        let mut one = client.take().map_or_else(|| server.connect(), Ok)?;
        one.complete_opening()?;
        one.queue_request(turn, &content)?;
        one.send_rest()?;
        one.expect(&content)?;
        client = stays_open.then_some(one);
    }
    Ok(())
}
