//! Checks that clients which leave in the middle of a request leave nothing behind.

use std::collections::HashSet;
use std::time::Instant;

use crate::check::{self, Finding};
use crate::checks::requests::{MANY_CLIENTS_OVER_STREAMS, await_read, content_length, usual_turn};
use crate::checks::{Check, pace};
use crate::outcome::Level::Must;
use crate::server::Server;
use crate::text::count_with_noun;
use crate::transport::{Capabilities, Client};

pub const CHECK: Check = Check {
    id: "reply/after-resets",
    level: Must,
    sentence: "after hundreds of clients that reset or close their connection in the middle of a request, the next request is answered",
    why: "if half a request stays in a buffer, the next client's request is read as its end; if a reset ends a worker, the server stops when all have ended",
    citations: &["RFC 9293 §3.5.3", "read(2) (ECONNRESET)"],
    recipe: "500 times, or 100 times if that takes 5 s: connect, send half of a request, wait until the server has read it, and reset the connection (TCP); then connect and compare the reply; 3 more times, each client after the one before; the same after 100 clients that close their connection in order, or 20 of a slow server",
    requires: MANY_CLIENTS_OVER_STREAMS,
    run,
};

const RESETS: usize = 500;

/// The number of connections that a check resets if the server is too slow for all of them.
const FEWEST: usize = 100;

/// The number of clients that close their connection in order, and that of a slow server.
const CLOSES: usize = 100;
const FEWEST_CLOSES: usize = 20;

const CONTENT: usize = 64;

/// The number of clients that the server must serve after other clients have left.
const AFTERWARDS: usize = 4;

fn run(server: &mut Server) -> check::Result {
    let turn = usual_turn(server.spec().protocol());
    let length = content_length(&server.spec().protocol().turns()[turn], CONTENT);
    let content = server.payload(length);
    if server.spec().capabilities().contains(Capabilities::TCP) {
        let (began, mut resets, mut sent) = (Instant::now(), 0, Vec::new());
        while resets < RESETS && (resets < FEWEST || began.elapsed() < server.deadlines().no_progress()) {
            let client = send_half(server, turn, &content, &mut sent)?;
            client.reset()?;
            resets += 1;
        }
        expect_served(server, resets, "reset in the middle of a request", &sent)?;
    }
    let mut sent = Vec::new();
    let closes = pace::repeat(CLOSES, FEWEST_CLOSES, |_| {
        send_half(server, turn, &content, &mut sent)?.close_and_await_arrival()
    })?;
    expect_served(server, closes, "closed their connection in the middle of a request", &sent)
}

/// Connects a client that has sent the first half of a request, which is added to `sent`. The server has read it,
/// unless it is slow.
fn send_half(
    server: &mut Server,
    turn: usize,
    content: &[u8],
    sent: &mut Vec<Vec<u8>>,
) -> check::Result<Client> {
    let mut client = server.connect()?;
    client.complete_opening()?;
    let request = client.queue_request(turn, content)?;
    let length = request.bytes().len() / 2;
    client.send_piece(length)?;
    sent.push(request.bytes()[..length].to_vec());
    await_read(server, &client, server.deadlines().quiet())?;
    Ok(client)
}

/// Fails unless the server answers the next clients. `gone` is the number of clients that have left, and `sent` what each of
/// them had sent.
fn expect_served(server: &mut Server, gone: usize, how: &str, sent: &[Vec<u8>]) -> check::Result {
    // The last of them may still wait for the server's attention.
    server.await_reaction()?;
    for _ in 0..AFTERWARDS {
        server.connect_and_exchange().map_err(|finding| {
            let shown =
                if shows(&finding, sent) { "the reply begins with what one of them had sent" } else { "" };
            finding.because(shown).because(format!("after {} that {how}", count_with_noun(gone, "client")))
        })?;
    }
    Ok(())
}

/// Whether `finding` shows the beginning of one of `sent`, where no two of these begin with the same bytes.
fn shows(finding: &Finding, sent: &[Vec<u8>]) -> bool {
    const ENOUGH: usize = 8;
    let beginnings: HashSet<_> = sent.iter().filter_map(|half| half.get(..ENOUGH)).collect();
    beginnings.len() == sent.len()
        && beginnings.iter().any(|bytes| finding.actual.contains(&bytes.escape_ascii().to_string()))
}
