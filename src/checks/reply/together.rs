//! Checks that requests which arrive together are all answered.

use crate::check::{self, Finding};
use crate::checks::Check;
use crate::checks::requests::{REQUESTS_OVER_STREAMS, await_read, content_length, usual_turn};
use crate::outcome::{Level::Must, Outcome};
use crate::server::Server;
use crate::text::count_with_noun;
use crate::transport::{Capabilities, Client};

pub const CHECK: Check = Check {
    id: "reply/together",
    level: Must,
    sentence: "requests that arrive together are all answered, in their order",
    why: "TCP is a stream of bytes and keeps no boundaries; a server that answers the first request of a read, and drops the rest, loses requests of a client that does not wait",
    citations: &[
        "RFC 9293 §3.7",
        "recv(2)",
        "read(2)",
        "RFC 9112 §9.3.2 (a client MAY pipeline; the server \"MUST send the corresponding responses in the same order that the requests were received\")",
        "RFC 9112 §9.6 (a server that sends `close` \"MUST NOT process any further requests received on that connection\")",
    ],
    recipe: "send 5 requests in one write and compare their replies; send 5 more in two writes, cut in the middle of the third request; requests behind a reply with `Connection: close` of HTTP need no reply; a protocol that does not declare `pipelining` is asked only if the server was found to answer two requests at once; of HTTP otherwise only this is asked: a server that keeps the connection open, and has read the 5 requests, loses none of them",
    requires: REQUESTS_OVER_STREAMS.union(Capabilities::STAYS_OPEN),
    run,
};

/// The number of requests that a client sends together, before it reads a reply.
const REQUESTS: usize = 5;

/// The number of bytes of content in each of the requests that are sent together.
const CONTENT: usize = 24;

fn run(server: &mut Server) -> check::Result {
    let declared = server.spec().protocol().allows_pipelining() == Some(true);
    if let Some(reason) = server.spec().why_missing(Capabilities::PIPELINES).filter(|_| !declared) {
        let unsupported = Finding::unsupported("", "").because(reason);
        return Err(lost_requests(server)?.unwrap_or(unsupported));
    }
    let mut client = connect(server)?;
    let answered = all_at_once(server, &mut client).and_then(|()| {
        if client.must_reconnect() {
            client = connect(server)?;
        }
        let answered = in_two_writes(server, &mut client);
        unless_announced(&client, answered)
    });
    let promise = "the protocol file declares `pipelining = true`";
    answered.map_err(|finding| if declared { finding.because(promise) } else { finding })?;
    server.leave_open(client);
    Ok(())
}

fn connect(server: &mut Server) -> check::Result<Client> {
    let mut client = server.resume_or_connect()?.pipelining();
    client.complete_opening()?;
    Ok(client)
}

/// Accepts that requests are not answered after a reply that announced the end of the connection: the server then need
/// not answer them (RFC 9112 §9.6).
fn unless_announced(client: &Client, answered: check::Result) -> check::Result {
    answered.or_else(|finding| {
        let is_announced = client.must_reconnect() && finding.outcome == Outcome::Unsupported;
        if is_announced { Ok(()) } else { Err(finding) }
    })
}

/// Sends requests of HTTP together to a server that does not answer all of them. Returns the finding that it loses some:
/// it has read them, and keeps the connection open. A server may close it instead, and then the client
/// sends the other requests again (RFC 9112 §9.3.2).
fn lost_requests(server: &mut Server) -> check::Result<Option<Finding>> {
    if !server.spec().protocol().is_http() {
        return Ok(None);
    }
    let (short, long) = (server.deadlines().reply(), server.deadlines().no_progress());
    let mut client = server.connect()?.pipelining();
    prepare(server, &mut client)?;
    let replies = client.send_rest().and_then(|()| client.receive_all_sent(short));
    let is_read = replies.is_ok() && await_read(server, &client, server.deadlines().quiet())?;
    if !is_read || !is_open(&client) || client.must_reconnect() || client.unanswered() == 0 {
        return Ok(None);
    }
    let missing = client.unanswered();
    // One more request shows that the server still answers on this connection, and makes it look for what it has read.
    client.queue_request(usual_turn(server.spec().protocol()), b"one more")?;
    let replies = client.send_rest().and_then(|()| client.receive_all_sent(long));
    let (is_lost, instead) = match &replies {
        Ok(()) => ((1..=missing).contains(&client.unanswered()), String::new()),
        // The reply to the last request comes where another's is due.
        Err(finding) => {
            (finding.outcome == Outcome::Fail, format!("then one more was sent: {}", finding.actual))
        }
    };
    if !is_lost || !is_open(&client) {
        return Ok(None);
    }
    let sent = count_with_noun(REQUESTS, "request");
    let actual =
        format!("{} to {sent}, all of which it has read", count_with_noun(REQUESTS - missing, "reply"));
    let finding = Finding::fail("a reply to each request, or the end of the connection", actual);
    Ok(Some(
        finding.because(format!("{sent} were sent in one write; the connection stays open")).because(instead),
    ))
}

fn is_open(client: &Client) -> bool {
    !client.has_ended() && client.is_open_at_server()
}

fn all_at_once(server: &mut Server, client: &mut Client) -> check::Result {
    let (contents, _) = prepare(server, client)?;
    let answered = client.send_rest().and_then(|()| expect_all(client, &contents, "in one write"));
    unless_announced(client, answered)
}

fn in_two_writes(server: &mut Server, client: &mut Client) -> check::Result {
    let (contents, lengths) = prepare(server, client)?;
    client.send_piece(lengths[0] + lengths[1] + lengths[2] / 2)?;
    client.await_delivery()?;
    client
        .expect(&contents[..2].concat())
        .map_err(|finding| finding.because("two requests and a half were sent"))?;
    client.send_rest()?;
    expect_all(client, &contents[2..], "in two writes, cut in the middle of the third request")
}

/// Queues the requests in the client, to be sent together. Returns their contents and lengths.
fn prepare(server: &mut Server, client: &mut Client) -> check::Result<(Vec<Vec<u8>>, Vec<usize>)> {
    let turn = usual_turn(server.spec().protocol());
    let length = content_length(&server.spec().protocol().turns()[turn], CONTENT);
    let contents: Vec<_> = (0..REQUESTS).map(|_| server.payload(length)).collect();
    let requests = contents.iter().map(|content| client.queue_request(turn, content));
    let lengths = requests.map(|request| Ok(request?.bytes().len())).collect::<check::Result<_>>()?;
    Ok((contents, lengths))
}

fn expect_all(client: &mut Client, contents: &[Vec<u8>], how: &str) -> check::Result {
    for (answered, content) in contents.iter().enumerate() {
        client.expect(content).map_err(|finding| {
            let sent = count_with_noun(REQUESTS, "request");
            let before = answered + REQUESTS - contents.len();
            finding.because(format!("{sent} were sent {how}; {before} of them were answered"))
        })?;
    }
    Ok(())
}
