//! Checks clients that read, beside one that does not.

use crate::check::{self, Finding};
use crate::checks::company::Company;
use crate::checks::stall::Plan;
use crate::checks::whole::Whole;
use crate::checks::{Check, steps};
use crate::outcome::{Level, Outcome};
use crate::payload::{KIB, MIB};
use crate::server::Server;
use crate::text::count_with_noun;
use crate::transport::Capabilities;

pub const SLOW_CLIENT_BLOCKS_NONE: Check = Check {
    id: "load/slow-client-blocks-none",
    level: Level::Should,
    sentence: "while one client reads nothing and can send no more, other clients are answered",
    why: "if a write blocks in the server's only loop, or under a lock, any client can stop the service by not reading",
    citations: &["write(2)", "fcntl(2) (O_NONBLOCK)", "RFC 9293 §3.8.6"],
    recipe: "B exchanges a message; A sends, or asks for replies, without reading until the server can send no more; B exchanges another message, and so does C, which connects only now (not for servers that serve one client at a time)",
    requires: AMONG_OTHERS,
    run: blocks_none,
};

pub const NO_CROSS_TALK: Check = Check {
    id: "load/no-cross-talk",
    level: Level::Must,
    sentence: "data that the server holds for a client that does not read are not changed by what other clients send",
    why: "if clients share a buffer, the bytes of one overwrite those that wait for another, and go to the wrong client",
    citations: &["RFC 862", "write(2)"],
    recipe: "connect 8 clients, one after another; A sends, or asks for replies, without reading until the server can send no more; B exchanges 64 KiB (or a request), 4 times; A reads everything and compares (a reply that holds nothing of its request is compared with another one to the same request)",
    requires: AMONG_OTHERS.union(Capabilities::STREAM),
    run: no_cross_talk,
};

const VISITS: usize = 8;

const AMONG_OTHERS: Capabilities =
    Capabilities::CONNECTIONS.union(Capabilities::MANY_CLIENTS).union(Capabilities::STALLS);

fn blocks_none(server: &mut Server) -> check::Result {
    if server.spec().protocol().replies_equal_requests() {
        return blocks_no_echo(server);
    }
    let company = Company::of(server)?;
    let plan = Plan::of(server)?;
    let first = company.first(server)?;
    let stalled = plan.stall(server)?;
    company.expect_served(server, first).map_err(|finding| finding.because(stalled.description()))?;
    stalled.expect_stalled()
}

fn blocks_no_echo(server: &mut Server) -> check::Result {
    let mut first = server.connect()?;
    first.exchange(b"before")?;
    if !server.serves_concurrently()? {
        return Ok(()); // The server serves one client at a time, so all others wait by design.
    }
    let (_slow, taken) = steps::connect_and_fill(server)?;
    let others = first.exchange(b"meanwhile").and_then(|()| server.connect_and_exchange().map(drop));
    let why = format!("another client has sent {} and reads nothing", count_with_noun(taken, "byte"));
    others.map_err(|finding| finding.because(why))
}

fn no_cross_talk(server: &mut Server) -> check::Result {
    if server.spec().protocol().replies_equal_requests() {
        no_talk_between_echoes(server)
    } else {
        no_talk_between_replies(server)
    }
}

fn no_talk_between_replies(server: &mut Server) -> check::Result {
    let company = Company::of(server)?;
    visit(server)?;
    let plan = Plan::with_recognised_replies(server)?;
    let whole = Whole::before(server, &plan)?;
    let mut stalled = plan.stall(server)?;
    company.expect_served(server, None)?;
    stalled.expect_stalled()?;
    let description = stalled.description();
    let why = || format!("others were answered while {description}");
    let whole_sent = stalled.receive_all(&plan);
    if let Err(finding) = whole_sent.and_then(|()| whole.compare(server, &plan, &mut stalled.client)) {
        // reply/beside-stalled-reader reports a server that does not go on.
        let outcome =
            if finding.outcome == Outcome::Timeout { Outcome::Unsupported } else { finding.outcome };
        return Err(Finding { outcome, ..finding }.because(why()));
    }
    Ok(())
}

fn visit(server: &mut Server) -> check::Result {
    (0..VISITS).try_for_each(|_| server.connect_and_exchange()?.finish())
}

fn no_talk_between_echoes(server: &mut Server) -> check::Result {
    // A server that returns a buffer to its pool twice gives it to two later clients. These clients make it do so.
    visit(server)?;
    let bytes = server.payload(32 * MIB);
    let mut slow = server.connect()?;
    let taken = slow.fill_until_blocked(&bytes)?;
    if !server.serves_concurrently()? {
        return Ok(()); // The server serves one client at a time, so no other client's bytes can overwrite these.
    }
    let mut other = server.connect()?;
    for _ in 0..4 {
        let bytes = server.payload(64 * KIB);
        other.exchange(&bytes)?;
    }
    let why =
        format!("others were answered while this client had {} to read", count_with_noun(taken, "byte"));
    match slow.expect(&bytes[..taken]) {
        // A server that deadlocks does so without other clients too; echo/slow-reader reports that.
        Err(finding) if finding.outcome == Outcome::Timeout => Ok(()),
        result => result.map_err(|finding| finding.because(why)),
    }
}
