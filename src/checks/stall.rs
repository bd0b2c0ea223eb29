//! A client that reads nothing, so that the server cannot send it the rest of its replies.
//!
//! The stall is proven from the kernel: the bytes that wait for the client stay the same, over TCP some of them are
//! still in the server's own send queue, and they are fewer than the replies that the client has asked for.

use std::time::Instant;

use crate::check::{self, Finding};
use crate::checks::requests::{content_length, usual_turn};
use crate::deadline::until;
use crate::outcome::Outcome;
use crate::payload::{KIB, MIB};
use crate::protocol::Turn;
use crate::server::Server;
use crate::text::count_with_noun;
use crate::transport::{Capabilities, Client, ConnectOptions, Unread};

/// The segment size, in bytes, of a client that reads nothing. With it and a small receive buffer the kernel holds
/// about 64 KiB for the client, and not several MiB.
const SEGMENT: u32 = 536;
const RECEIVE_BUFFER: usize = 2 * KIB;

/// The number of bytes of content in each request of a client that reads nothing, if the request carries content.
const CONTENT: usize = 16 * KIB;

/// The number of bytes of replies that the first requests of a client that reads nothing ask for.
const FIRST: usize = 16 * KIB;

/// The largest number of bytes of replies that a client that reads nothing asks for. The next constant limits the
/// number of its requests.
const MOST: usize = 32 * MIB;
const MOST_REQUESTS: usize = 50_000;

/// An exchange with which a check stalls the server: its replies stay unread. Holds the length of such a reply as a
/// client that reads has seen it.
pub(super) struct Plan {
    pub turn: Turn,
    /// Whether the exchange is the one with a long reply that the protocol defines.
    pub is_long: bool,
    content: Vec<u8>,
    pub reply: usize,
    pub pipelines: bool,
}

/// A client that reads nothing, so that the server cannot send it further replies.
pub(super) struct Stalled {
    pub client: Client,
    /// The number of requests that a client that reads nothing has sent, or begun to send.
    pub requests: usize,
    /// The bytes that waited for the client when it was proven that the server cannot send more.
    unread: Unread,
    reply: usize,
}

impl Plan {
    /// Chooses the exchange with the longest replies, to stall the server: the long one of the protocol, or else one
    /// that carries content.
    ///
    /// # Errors
    /// Those of an exchange.
    pub fn of(server: &mut Server) -> check::Result<Plan> {
        let protocol = server.spec().protocol().clone();
        Plan::with(server, protocol.long_exchange().is_some())
    }

    /// Chooses an exchange to stall the server: one whose replies hold bytes of their requests, if many requests may
    /// wait for such replies, and else the one with a long reply.
    ///
    /// # Errors
    /// Those of an exchange.
    pub fn with_recognised_replies(server: &mut Server) -> check::Result<Plan> {
        let protocol = server.spec().protocol().clone();
        let usual = &protocol.turns().get(usual_turn(&protocol));
        let recognised = usual.is_some_and(Turn::token_comes_back)
            && server.spec().capabilities().contains(Capabilities::PIPELINES);
        Plan::with(server, protocol.long_exchange().is_some() && !recognised)
    }

    fn with(server: &mut Server, is_long: bool) -> check::Result<Plan> {
        let capabilities = server.spec().capabilities();
        if !capabilities.contains(Capabilities::STREAM) {
            return Err(Finding::unsupported(WANTED, "the transport keeps message boundaries"));
        }
        let protocol = server.spec().protocol().clone();
        let usual = protocol.turns().get(usual_turn(&protocol));
        let turn = if is_long { protocol.long_exchange() } else { usual }.cloned();
        let turn = turn.ok_or_else(|| Finding::unsupported(WANTED, "the protocol has no requests"))?;
        let content = server.payload(content_length(&turn, CONTENT));
        let pipelines = capabilities.contains(Capabilities::PIPELINES);
        let mut plan = Plan { turn, is_long, content, reply: 0, pipelines };
        plan.reply = plan.measure_reply(server)?;
        Ok(plan)
    }

    /// Measures the length of one reply: of the shorter one of two, if the connection stays open. Leaves the conversation
    /// open for [`stall`](Plan::stall) if the server is on standard input and output.
    fn measure_reply(&self, server: &mut Server) -> check::Result<usize> {
        let stays_open = server.spec().capabilities().contains(Capabilities::STAYS_OPEN);
        let mut client = server.resume_or_connect()?;
        client.complete_opening()?;
        let mut shortest = usize::MAX;
        for _ in 0..if stays_open { 2 } else { 1 } {
            let before = client.received();
            client.queue_request_of(&self.turn, &self.content)?;
            if !client.receive_all_replies()? {
                return Err(Finding::fail("a whole reply", "the connection ended within it"));
            }
            shortest = shortest.min(client.received() - before);
        }
        server.leave_open(client);
        Ok(shortest)
    }

    /// Connects a client that sends requests and reads nothing, until the server cannot send.
    ///
    /// # Errors
    /// Unsupported if the server cannot be stalled in this way.
    pub fn stall(&self, server: &mut Server) -> check::Result<Stalled> {
        let options = ConnectOptions {
            segment_size: Some(SEGMENT),
            receive_buffer: Some(RECEIVE_BUFFER),
            ..ConnectOptions::default()
        };
        let resumed = server.resume();
        let mut client = resumed.map_or_else(|| server.connect_with(&options), Ok)?;
        client.complete_opening()?;
        let mut requests = 0;
        loop {
            // Small steps: a server may limit the requests of one connection.
            let more = if self.pipelines { self.first().max(requests / 4) } else { 1 };
            let all_sent = self.ask(server, &mut client, more)?;
            requests += more;
            let asked = if all_sent { self.certain(requests) } else { usize::MAX };
            if let Some(unread) = await_stall(server, &client, asked)? {
                if !client.is_open_at_server() {
                    let asked = describe(requests, self.reply);
                    return Err(Finding::unsupported(
                        WANTED,
                        format!("{asked}, and the server ended the connection"),
                    ));
                }
                return Ok(Stalled { client, requests, unread, reply: self.reply });
            }
            if !self.pipelines || !all_sent || requests >= MOST_REQUESTS || requests * self.reply >= MOST {
                return Err(Finding::unsupported(
                    WANTED,
                    format!(
                        "{}, and the server could send {}",
                        describe(requests, self.reply),
                        if requests == 1 { "it" } else { "them, or reads no more" }
                    ),
                ));
            }
        }
    }

    fn first(&self) -> usize {
        FIRST.div_ceil(self.reply.max(1))
    }

    /// Sends `requests` more requests without reading. Returns false if the server does not take all of them.
    pub fn ask(&self, server: &mut Server, client: &mut Client, requests: usize) -> check::Result<bool> {
        for _ in 0..requests {
            client.queue_request_of(&self.turn, &self.content)?;
        }
        match client.send_without_reading() {
            Err(finding) if finding.outcome == Outcome::Fail => {
                // A server may limit the requests of one connection, but it may not end.
                server.expect_alive()?;
                if server.processes().is_ok_and(|processes| processes.is_empty()) {
                    return Err(finding);
                }
                Err(Finding::unsupported(
                    WANTED,
                    format!("the server ended the connection: {}", finding.actual),
                ))
            }
            sent => sent,
        }
    }

    /// Returns a lower bound for the number of bytes in the replies to `requests` requests. Replies may vary a
    /// little.
    fn certain(&self, requests: usize) -> usize {
        requests * self.reply - requests * self.reply / 8
    }
}

const WANTED: &str = "a client that the server cannot send more to";

/// Waits until the server has sent `asked` bytes, or cannot send more because the client reads nothing. Returns the
/// bytes that wait for the client if it cannot.
fn await_stall(server: &Server, client: &Client, asked: usize) -> check::Result<Option<Unread>> {
    let quiet = 2 * server.deadlines().quiet();
    let (mut last, mut since) = (client.unread()?, Instant::now());
    let mut has_reacted = false;
    let settled = until(server.deadlines().no_progress(), || {
        let now = client.unread()?;
        if now.total() >= asked {
            return Ok(Some(None));
        }
        if now != last {
            (last, since, has_reacted) = (now, Instant::now(), false);
        }
        if since.elapsed() >= quiet && !has_reacted {
            server.await_reaction()?;
            has_reacted = true;
            return Ok(None);
        }
        let blocked = now.received > 0 && now.unacknowledged != Some(0);
        let settled = since.elapsed() >= quiet;
        // A server may need long for a reply, but one that has ended the connection sends no more.
        let over = settled && !blocked && !client.is_open_at_server();
        Ok(if over { Some(None) } else { (settled && blocked).then_some(Some(now)) })
    })?;
    Ok(settled.flatten())
}

impl Stalled {
    /// Describes for a report the requests of a client that reads nothing.
    pub fn description(&self) -> String {
        format!("{}, and reads nothing", describe(self.requests, self.reply))
    }

    /// Reads all replies that the client left unread. Keeps the replies that
    /// [`Whole`](crate::checks::whole::Whole) compares.
    ///
    /// # Errors
    /// A failure if a reply is wrong, a timeout if the server sends no more. Unsupported if it ends the connection.
    pub fn receive_all(&mut self, plan: &Plan) -> check::Result {
        self.client.enlarge_receive_buffer(MIB)?;
        if plan.is_long {
            self.client.keep_replies(plan.reply)?;
        }
        if self.client.receive_all_replies()? {
            return Ok(());
        }
        let wanted = "all replies to a client that has read nothing for a while";
        Err(Finding::unsupported(wanted, "the server ended the connection before"))
    }

    /// Fails unless the server still cannot send: the stall must last while a check does its work.
    ///
    /// # Errors
    /// Unsupported if it did not last: a server may limit the time that it waits for a client.
    pub fn expect_stalled(&self) -> check::Result {
        // The kernel's window probes may move bytes from the server's send queue to the client's receive queue.
        let is_same = self.client.unread()?.total() == self.unread.total();
        if is_same && self.client.is_open_at_server() {
            return Ok(());
        }
        Err(Finding::unsupported(
            "a client that reads nothing, until the end of the check",
            "the server has ended its connection, or sent more",
        ))
    }
}

fn describe(requests: usize, reply: usize) -> String {
    let each = count_with_noun(reply, "byte");
    match requests {
        1 => format!("a client has asked for a reply of {each}"),
        _ => format!("a client has asked for {requests} replies of {each} at once"),
    }
}
