//! Checks that a request may arrive in two pieces, whatever the place of the cut.

use std::time::{Duration, Instant};

use crate::check::{self, Finding};
use crate::checks::cut_request::{BegunRequest, Cut};
use crate::checks::requests::{
    REQUESTS_OVER_STREAMS, answered_turns, content_to_cut, cut_offsets, sample_request,
};
use crate::checks::uncut::{self, Whole};
use crate::checks::{Check, requests};
use crate::deadline::{until, wait};
use crate::outcome::{Level::Must, Outcome};
use crate::server::Server;
use crate::text::count_with_noun;
use crate::transport::{Capabilities, Client, Stopwatch};

pub const CHECK: Check = Check {
    id: "reply/cut-anywhere",
    level: Must,
    sentence: "a request that arrives in two pieces is answered as a whole one is, wherever it is cut",
    why: "TCP is a stream of bytes and keeps no boundaries; a server that takes one read for one request fails as soon as a network or a busy client cuts it",
    citations: &["RFC 9293 §3.7", "recv(2)", "read(2)"],
    recipe: "for every offset in a request, of up to 1,001 bytes if the protocol carries a payload, or for 1,000 of them, or as many as 15 s allow: connect; send the bytes before it; wait until the server has read them, and that no reply comes; send the rest; compare the reply; exchange one more message on that connection; if that fails, send as many requests whole, one after another and then at once, to see whether the cut is the cause (200 connections at a time, each for several requests if the protocol has an opening; one for all, if the server is launched for each client)",
    requires: REQUESTS_OVER_STREAMS,
    run,
};

/// The number of offsets at which a check cuts requests into two pieces, in all requests together.
const MOST: usize = 1000;

/// The number of offsets at which requests are cut for a server that serves one client at a time.
const IN_TURN: usize = 500;

/// The number of offsets at which requests are cut for a server that is launched for each client, and the least
/// number for a slow server.
const FEW: usize = 60;

/// The time to cut requests at all offsets, as a multiple of the deadline for progress. The offsets where a mistake
/// is most likely come first.
const SLOWEST: u32 = 3;

/// The number of connections on which requests are cut at the same time.
const AT_ONCE: usize = 200;

/// The number of times that a server may be too slow for many connections before the check keeps to fewer.
const MOST_SLOWED: usize = 3;

fn run(server: &mut Server) -> check::Result {
    let launched_once = server.spec().capabilities().contains(Capabilities::MANY_CLIENTS);
    if !launched_once && server.spec().capabilities().contains(Capabilities::STAYS_OPEN) {
        return in_one_conversation(server);
    }
    let concurrent = serves_many_at_once(server)?;
    let most = if concurrent { MOST } else { IN_TURN };
    let mut rest = cuts(server, if launched_once { most } else { FEW })?;
    let most_at_once = if concurrent { AT_ONCE } else { 1 };
    let (mut at_once, mut slowed) = (most_at_once, 0);
    let mut kept = Kept::new(server, concurrent);
    // The first cuts are those where a mistake is most likely, so they get more time to show an early reply.
    let mut early = server.deadlines().quiet();
    let (mut stopwatch, mut tried) = (server.stopwatch(), 0);
    while !rest.is_empty()
        && (tried < FEW || stopwatch.elapsed() < server.deadlines().no_progress() * SLOWEST)
    {
        let batch: Vec<Cut> = rest.drain(..rest.len().min(at_once)).collect();
        let again = try_batch(server, &batch, early, &mut kept, &mut stopwatch).map_err(|finding| {
            let whole = batch.iter().map(|cut| Whole { turn: cut.turn, content: cut.content });
            uncut::judge(server, &whole.collect::<Vec<_>>(), finding)
        })?;
        tried += batch.len() - again.len();
        if again.is_empty() {
            // A busy machine may have been the reason why the server was slow.
            at_once = if slowed < MOST_SLOWED { (at_once * 2).min(most_at_once) } else { at_once };
        } else if at_once > 1 {
            // A server with a fixed number of workers reads from so many clients at a time.
            at_once = (batch.len() - again.len()).min(at_once / 2).max(1);
            slowed += 1;
            rest.extend(again);
        }
        early = server.deadlines().quiet() / if concurrent { 10 } else { 100 };
    }
    Ok(())
}

/// Cuts all requests into two pieces on one connection, so that the server is launched only once.
fn in_one_conversation(server: &mut Server) -> check::Result {
    let cuts = cuts(server, IN_TURN)?;
    let quiet = server.deadlines().quiet();
    let mut client = server.resume_or_connect()?;
    client.complete_opening()?;
    // A piece that arrives together with the opening is not read by itself.
    requests::await_read(server, &client, server.deadlines().reply())?;
    let mut stopwatch = server.stopwatch();
    for (number, cut) in cuts.into_iter().enumerate() {
        if number >= FEW && stopwatch.elapsed() > server.deadlines().no_progress() * SLOWEST {
            break;
        }
        let mut begun = BegunRequest::new(server, client, cut)?;
        // The first cuts are those where a mistake is most likely.
        let early = if number < FEW { quiet / 30 } else { quiet / 100 };
        requests::await_read(server, &begun.client, quiet).map_err(|finding| begun.explain(finding))?;
        begun.expect_no_reply(early)?;
        begun.send_rest()?;
        if !begun.finish(true)? {
            return Ok(());
        }
        client = begun.client;
    }
    server.leave_open(client);
    Ok(())
}

fn serves_many_at_once(server: &mut Server) -> check::Result<bool> {
    let many = Capabilities::CONCURRENT_CLIENTS.union(Capabilities::MANY_CLIENTS);
    if !server.spec().capabilities().contains(many) {
        return Ok(false);
    }
    let _first = server.connect_and_exchange()?;
    server.serves_concurrently()
}

/// Returns at most `most` places at which to cut requests of all turns of the protocol. A request that carries content
/// is made just so long that these are all its offsets.
fn cuts(server: &mut Server, most: usize) -> check::Result<Vec<Cut>> {
    let protocol = server.spec().protocol().clone();
    let mut turns = answered_turns(&protocol);
    // Requests without content are short, so they come first and leave more places to the others.
    turns.sort_by_key(|&turn| protocol.turns()[turn].carries_payload());
    let mut cuts: Vec<Cut> = Vec::new();
    for (before, &turn) in turns.iter().enumerate() {
        let share = (most - cuts.len()) / (turns.len() - before);
        let status = if protocol.is_http() { status_of_whole(server, turn)? } else { None };
        let template = &protocol.turns()[turn];
        let content = content_to_cut(template, share);
        let offsets = cut_offsets(&sample_request(template, content), share);
        cuts.extend(offsets.into_iter().map(|offset| Cut { turn, content, offset, status }));
    }
    Ok(cuts)
}

/// Sends the request of `turn` in one piece, and returns the status of its reply, if it has one.
fn status_of_whole(server: &mut Server, turn: usize) -> check::Result<Option<u16>> {
    let mut client = server.connect()?;
    client.complete_opening()?;
    client.queue_request(turn, b"whole")?;
    client.send_rest()?;
    client.expect(b"whole")?;
    Ok(client.last_status())
}

/// Sends one request in two pieces for each cut of `batch`, all at the same time. Returns the cuts to try again: those
/// whose first piece the server did not read, so that it may have read both pieces at once, and those whose connection
/// was idle for so long that the server closed it.
fn try_batch(
    server: &mut Server,
    batch: &[Cut],
    early: Duration,
    kept: &mut Kept,
    stopwatch: &mut Stopwatch,
) -> check::Result<Vec<Cut>> {
    stopwatch.resume();
    let begun = begin_all(server, batch, kept)?;
    let mut again: Vec<Cut> = batch[begun.len()..].to_vec();
    let (read, late) = await_read(server, begun)?;
    again.extend(late.iter().map(|one| one.cut));
    await_early_reply(&read, early)?;
    let stays_open = server.spec().capabilities().contains(Capabilities::STAYS_OPEN);
    let tried = read.len() + late.len();
    // If the server has not read from some clients, the others are closed one by one: it may have few workers.
    let few_workers = !late.is_empty();
    if few_workers {
        kept.give_up();
    }
    let mut failures = Failures::default();
    let mut begun: Vec<BegunRequest> = read.into_iter().chain(late).collect();
    begun.retain_mut(|one| match one.send_rest() {
        Ok(()) => true,
        Err(finding) => {
            failures.add(one, Some(finding), kept);
            false
        }
    });
    // Clients that can go on, and the others.
    let (mut sound, mut spent) = (Vec::new(), Vec::new());
    for mut one in begun {
        // The first one was given all the time it needs; the others had as much.
        let hangs = failures.hung && !one.client.readable_within(Duration::ZERO)?;
        let finished = if hangs { Err(None) } else { one.finish(stays_open).map_err(Some) };
        let is_sound = matches!(finished, Ok(true));
        match finished {
            Ok(false) if !again.contains(&one.cut) => again.push(one.cut),
            Ok(_) => {}
            Err(finding) => failures.add(&one, finding, kept),
        }
        // A thread or process that serves this client exits when the client closes.
        if few_workers {
            stopwatch.stop();
            drop(one);
            stopwatch.resume();
        } else if is_sound {
            sound.push(one.client);
        } else {
            spent.push(one.client);
        }
    }
    stopwatch.stop();
    kept.put(sound);
    drop(spent);
    let Some(first) = failures.first else {
        failures.unproven.retain(|cut| !again.contains(cut));
        again.append(&mut failures.unproven);
        return Ok(again);
    };
    let share = format!(
        "{} of the {} cut at the same time failed",
        failures.number,
        count_with_noun(tried, "request")
    );
    Err(if tried > 1 { first.because(share) } else { first })
}

/// Connections that serve several requests each: for a protocol with an opening, which takes as long as an exchange.
struct Kept {
    clients: Vec<Client>,
    is_useful: bool,
}

impl Kept {
    /// `concurrent` says whether the server serves several clients at once.
    fn new(server: &Server, concurrent: bool) -> Kept {
        let spec = server.spec();
        let stays_open = spec.capabilities().contains(Capabilities::STAYS_OPEN);
        let has_opening = spec.protocol().receives_before_requests();
        Kept { clients: Vec::new(), is_useful: concurrent && stays_open && has_opening }
    }

    fn take(&mut self) -> Option<Client> {
        self.clients.pop()
    }

    fn put(&mut self, clients: Vec<Client>) {
        if self.is_useful {
            self.clients.extend(clients);
        }
    }

    /// Closes all connections, and keeps no others.
    fn give_up(&mut self) {
        *self = Kept { clients: Vec::new(), is_useful: false };
    }
}

/// The requests of one batch that have failed.
#[derive(Default)]
struct Failures {
    first: Option<Finding>,
    number: usize,
    /// Whether one was not answered until its deadline.
    hung: bool,
    /// The cuts of the requests whose failure shows nothing: the server may close a connection that was kept.
    unproven: Vec<Cut>,
}

impl Failures {
    /// Adds the failure of `one`. Without a `finding` it was not given the time to show what is wrong.
    fn add(&mut self, one: &BegunRequest, finding: Option<Finding>, kept: &mut Kept) {
        self.hung |= finding.as_ref().is_some_and(|finding| finding.outcome == Outcome::Timeout);
        let is_open = !one.client.has_ended() && one.client.is_open_at_server();
        let proven = if one.is_kept { is_open && finding.is_some() } else { true };
        if one.is_kept {
            kept.give_up();
        }
        if proven && (self.first.is_some() || finding.is_some()) {
            let served = if one.is_kept { "the connection had served another request before" } else { "" };
            self.number += 1;
            self.first = self.first.take().or(finding.map(|finding| finding.because(served)));
        } else {
            self.unproven.push(one.cut);
        }
    }
}

/// Sends the first piece of a request for each cut of `batch`, until the server has no room for another client.
fn begin_all(server: &mut Server, batch: &[Cut], kept: &mut Kept) -> check::Result<Vec<BegunRequest>> {
    let mut begun = Vec::with_capacity(batch.len());
    let began = Instant::now();
    for &cut in batch {
        // A server with a short listen queue keeps clients waiting for a second: listen(2).
        if began.elapsed() > server.deadlines().reply() {
            break;
        }
        match begin(server, cut, kept.take()) {
            Ok(one) => begun.push(one),
            // A server may limit the number of its clients.
            Err(finding) if begun.is_empty() => return Err(finding),
            Err(_) => break,
        }
    }
    Ok(begun)
}

/// Sends the first piece of a request, up to `cut`, on a connection that was kept, or on a new one.
fn begin(server: &mut Server, cut: Cut, kept: Option<Client>) -> check::Result<BegunRequest> {
    // The server may have closed a connection that was kept.
    let begun = kept.and_then(|client| BegunRequest::new(server, client, cut).ok());
    if let Some(mut begun) = begun {
        begun.is_kept = true;
        return Ok(begun);
    }
    let mut client = server.connect()?;
    client.complete_opening()?;
    BegunRequest::new(server, client, cut)
}

/// Waits until the server has read the first piece of every request. Returns the clients whose piece it has read, and
/// the others.
fn await_read(
    server: &Server,
    begun: Vec<BegunRequest>,
) -> check::Result<(Vec<BegunRequest>, Vec<BegunRequest>)> {
    let mut unread = begun;
    let (mut read, mut last_read) = (Vec::new(), None::<Instant>);
    until(server.deadlines().reply(), || {
        let (done, rest) = split_read(std::mem::take(&mut unread));
        if !done.is_empty() {
            last_read = Some(Instant::now());
        }
        read.extend(done);
        unread = rest;
        // A server with a fixed number of workers has read from as many clients, and reads from no other.
        let is_full = last_read.is_some_and(|last| last.elapsed() > server.deadlines().quiet());
        Ok((unread.is_empty() || is_full).then_some(()))
    })?;
    Ok((read, unread))
}

/// Splits clients that have sent the first piece of a request into those whose bytes the server has read, and the
/// others.
fn split_read(begun: Vec<BegunRequest>) -> (Vec<BegunRequest>, Vec<BegunRequest>) {
    begun.into_iter().partition(|one| one.client.is_read_by_server())
}

/// Waits for at most `limit` until some client can receive a reply: this is too early, since no request is complete.
fn await_early_reply(begun: &[BegunRequest], limit: Duration) -> check::Result {
    use nix::poll::{PollFd, PollFlags};
    let readers = begun.iter().map(|one| PollFd::new(one.client.input_descriptor(), PollFlags::POLLIN));
    wait(&mut readers.collect::<Vec<_>>(), limit).map(drop)
}
