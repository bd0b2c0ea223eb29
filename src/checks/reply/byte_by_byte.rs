//! Checks that a request may arrive one byte at a time.

use std::time::{Duration, Instant};

use crate::check::{self, Finding};
use crate::checks::Check;
use crate::checks::requests::{REQUESTS_OVER_STREAMS, await_read, content_length, usual_turn};
use crate::outcome::Level::Must;
use crate::server::Server;
use crate::text::count_with_noun;
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "reply/byte-by-byte",
    level: Must,
    sentence: "a request that arrives one byte at a time is answered as a whole one is",
    why: "a server that gives up after a number of reads, or that scans only its last read for the end of the request, never answers a slow client",
    citations: &["RFC 9293 §3.7", "recv(2)", "read(2)"],
    recipe: "send a request one byte at a time, each after the server has read the one before, for up to 5 s in all; compare the reply",
    requires: REQUESTS_OVER_STREAMS,
    run,
};

/// The number of bytes of content in the request that a client sends byte by byte.
const CONTENT: usize = 32;

fn run(server: &mut Server) -> check::Result {
    let turn = usual_turn(server.spec().protocol());
    let length = content_length(&server.spec().protocol().turns()[turn], CONTENT);
    let content = server.payload(length);
    // A server that starts its workers after it listens reads nothing until they run.
    if server.spec().capabilities().contains(Capabilities::MANY_CLIENTS) {
        drop(server.connect_and_exchange()?);
    }
    let mut client = server.resume_or_connect()?;
    client.complete_opening()?;
    let request = client.queue_request(turn, &content)?;
    let all = request.bytes().len();
    let explain = |finding: Finding, sent: usize| {
        finding.because(format!("{sent} of {} had been sent, one at a time", count_with_noun(all, "byte")))
    };
    let began = Instant::now();
    for sent in 1..=all {
        client.send_piece(1).map_err(|finding| explain(finding, sent))?;
        // Servers close a connection whose request takes long, some after 10 s.
        let time_left = server.deadlines().no_progress().saturating_sub(began.elapsed());
        await_read(server, &client, server.deadlines().quiet().min(time_left))?;
        if sent < all {
            client.receive_replies(Duration::ZERO).map_err(|finding| explain(finding, sent))?;
        }
    }
    client.expect(&content).map_err(|finding| explain(finding, all))?;
    if client.was_answered_early() {
        return Err(Finding::fail("no reply before the request has arrived to its end", "a whole reply"));
    }
    server.leave_open(client);
    Ok(())
}
