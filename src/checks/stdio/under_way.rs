//! Checks of several requests that are under way together, and of requests that the client cancels.

use crate::check::{self, Finding};
use crate::checks::Check;
use crate::checks::conversation::{ON_STDIO, begin};
use crate::checks::requests::answered_turns;
use crate::outcome::Level::Must;
use crate::protocol::{Protocol, Request, Tolerance, Turn};
use crate::server::Server;
use crate::text::count_with_noun;
use crate::transport::Client;

pub const ONCE: Check = Check {
    id: "stdio/answers-each-once",
    level: Must,
    sentence: "each of the requests that are under way together gets its own answer, once, in any order",
    why: "a client finds the request of an answer by its id; a lost answer leaves it waiting, and a second or a foreign one reaches the wrong caller",
    citations: &[
        "JSON-RPC 2.0 §5 (the id \"MUST be the same as the value of the id member in the Request Object\")",
        "MCP 2025-06-18, Base Protocol, Responses (\"Responses MUST include the same ID as the request they correspond to\")",
        "LSP 3.17, Request Ordering, Response Message",
        "write(2)",
    ],
    recipe: "send 32 requests in one write, in JSON-RPC every other with a string for its id; wait for the answer to each; look for further answers while nothing is asked; exchange one more message",
    requires: ON_STDIO,
    run: once,
};

pub const CANCELLED: Check = Check {
    id: "stdio/cancelled-request",
    level: Must,
    sentence: "a request that the client cancels is answered once, or not at all where the protocol allows that, and the next request is answered",
    why: "a client has forgotten a cancelled request; a second answer to it is an error, and a server that waits for the cancelled work answers nothing more",
    citations: &[
        "LSP 3.17, Cancellation Support (\"A request that got canceled still needs to return from the server and send a response back\")",
        "MCP 2025-06-18, Cancellation (\"Receivers of cancellation notifications SHOULD … Not send a response for the cancelled request\", \"MAY ignore\")",
        "JSON-RPC 2.0 §5",
    ],
    recipe: "8 times: send a request and its cancellation in one write; exchange a message; wait for the answers to the cancelled requests, if the protocol demands them; look for further answers while nothing is asked. For protocols that name a cancellation",
    requires: ON_STDIO,
    run: cancelled,
};

/// The number of requests that are under way together.
const REQUESTS: usize = 32;

/// The number of requests that a client sends and cancels.
const CANCELLATIONS: usize = 8;

fn once(server: &mut Server) -> check::Result {
    let protocol = server.spec().protocol().clone();
    if !protocol.is_json() {
        return Err(Finding::unsupported("", "").because("the messages of the protocol are not JSON"));
    }
    let turns = turns_with_both_ids(&protocol);
    let mut client = begin(server)?.pipelining();
    let content = |number: usize| format!("each-{number}").into_bytes();
    for (number, turn) in turns.iter().cycle().take(REQUESTS).enumerate() {
        client.queue_request_of(turn, &content(number))?;
    }
    let explain = |finding: Finding| finding.because(format!("{REQUESTS} requests were sent in one write"));
    client.send_rest().map_err(explain)?;
    for answered in 0..REQUESTS {
        client.expect(&content(answered)).map_err(|finding| {
            explain(finding).because(format!("{answered} of them were answered in their order"))
        })?;
    }
    client.receive_all_sent(server.deadlines().quiet()).map_err(explain)?;
    client.exchange(b"next").map_err(explain)?;
    server.leave_open(client);
    Ok(())
}

/// Returns the turns of the protocol that are answered, each with a number for its id, and in JSON-RPC with a string,
/// too.
fn turns_with_both_ids(protocol: &Protocol) -> Vec<Turn> {
    let mut turns = Vec::new();
    for turn in answered_turns(protocol).into_iter().filter_map(|number| protocol.turns().get(number)) {
        turns.push(turn.clone());
        if protocol.is_json_rpc() {
            turns.extend(turn.with_text_id("request-"));
        }
    }
    turns
}

fn cancelled(server: &mut Server) -> check::Result {
    let protocol = server.spec().protocol().clone();
    let Some(cancellation) = protocol.cancellation() else {
        return Err(Finding::unsupported("", "").because("the protocol names no cancellation"));
    };
    let mut client = begin(server)?.with_tolerance(Tolerance::Anything);
    client.record();
    let turns = answered_turns(&protocol);
    let mut requests = Vec::new();
    let explain = |finding: Finding| finding.because("after a request and its cancellation in one write");
    for &number in turns.iter().cycle().take(CANCELLATIONS) {
        let request = client.new_request(&protocol.turns()[number])?;
        let cancels = cancellation.new_request(request.token(), None);
        client.send_raw(&[request.bytes(), cancels.bytes()].concat()).map_err(explain)?;
        requests.push(request);
        client.exchange(b"next").map_err(explain)?;
    }
    if cancellation.has_reply() {
        expect_answers(server, &mut client, &requests)?;
    }
    client.receive_all_sent(server.deadlines().quiet())?;
    let most = answers(&protocol, &client, &requests).into_iter().max().unwrap_or_default();
    if most > 1 {
        let actual = format!("{} to one of them", count_with_noun(most, "answer"));
        return Err(Finding::fail("at most one answer to each cancelled request", actual));
    }
    Ok(())
}

/// Waits until each of `requests` has an answer.
fn expect_answers(server: &Server, client: &mut Client, requests: &[Request]) -> check::Result {
    let protocol = server.spec().protocol();
    let mut stopwatch = server.stopwatch();
    loop {
        let missing = answers(protocol, client, requests).iter().filter(|&&answers| answers == 0).count();
        if missing == 0 {
            return Ok(());
        }
        if stopwatch.elapsed() >= server.deadlines().no_progress() || client.has_ended() {
            let actual = format!("none to {missing} of {}", requests.len());
            return Err(Finding::fail("an answer to each cancelled request", actual));
        }
        client.receive_all_sent(server.deadlines().quiet() / 3)?;
    }
}

/// Returns the number of answers that the client has received to each of `requests`.
fn answers(protocol: &Protocol, client: &Client, requests: &[Request]) -> Vec<usize> {
    requests.iter().map(|request| protocol.count_replies(client.recorded(), request)).collect()
}
