//! Checks that clients which reset in the middle of a request leave nothing behind.

use std::time::Instant;

use crate::check;
use crate::checks::Check;
use crate::checks::requests::{MANY_CLIENTS_OVER_STREAMS, await_read, content_length, usual_turn};
use crate::outcome::Level::Must;
use crate::server::Server;
use crate::text::count_with_noun;
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "reply/after-resets",
    level: Must,
    sentence: "after five hundred clients that reset their connection in the middle of a request, the next request is answered",
    why: "if half a request stays in a buffer, the next client's request is read as its end; if a reset ends a worker, the server stops when all have ended",
    citations: &["RFC 9293 §3.5.3", "read(2) (ECONNRESET)"],
    recipe: "500 times, or 100 times if that takes 5 s: connect, send half of a request, wait until the server has read it, and reset the connection; then connect and compare the reply; 3 more times, each client after the one before",
    requires: MANY_CLIENTS_OVER_STREAMS.union(Capabilities::TCP),
    run,
};

const RESETS: usize = 500;

/// The number of connections that a check resets if the server is too slow for all of them.
const FEWEST: usize = 100;

const CONTENT: usize = 64;

/// The number of clients that the server must serve after other clients have reset their connections.
const AFTERWARDS: usize = 4;

fn run(server: &mut Server) -> check::Result {
    let turn = usual_turn(server.spec().protocol());
    let length = content_length(&server.spec().protocol().turns()[turn], CONTENT);
    let content = server.payload(length);
    let began = Instant::now();
    let mut resets = 0;
    while resets < RESETS && (resets < FEWEST || began.elapsed() < server.deadlines().no_progress()) {
        let mut client = server.connect()?;
        client.complete_opening()?;
        let request = client.queue_request(turn, &content)?;
        client.send_piece(request.bytes().len() / 2)?;
        await_read(server, &client, server.deadlines().quiet())?;
        client.reset()?;
        resets += 1;
    }
    // The last reset may still wait for the server's attention.
    server.await_reaction()?;
    for _ in 0..AFTERWARDS {
        let served = server.connect_and_exchange();
        served.map_err(|finding| {
            finding.because(format!(
                "after {} that reset in the middle of a request",
                count_with_noun(resets, "client")
            ))
        })?;
    }
    Ok(())
}
