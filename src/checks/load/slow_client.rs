//! Checks clients that read, beside one that does not.

use crate::check::{self, Finding};
use crate::checks::company::Company;
use crate::checks::stall::{Plan, Stalled};
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
    recipe: "connect 8 clients, one after another; A sends, or asks for replies, without reading until the server can send no more; B exchanges 64 KiB (or a request), 4 times; A reads everything and compares; if it is wrong, do the same without B: what is wrong then, too, is not from another client (a reply that holds nothing of its request is compared with another one to the same request)",
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
    let prepared = prepare(server);
    let (company, plan, whole, mut stalled) = prepared.map_err(|finding| unrelated(server, finding))?;
    // reply/beside-stalled-reader reports what these clients receive.
    company.expect_served(server, None).map_err(|finding| unrelated(server, finding))?;
    stalled.expect_stalled()?;
    let description = stalled.description();
    let why = || format!("others were answered while {description}");
    let Err(finding) = receive(server, &plan, &whole, &mut stalled) else { return Ok(()) };
    drop(stalled);
    // reply/beside-stalled-reader reports a server that does not go on.
    if finding.outcome == Outcome::Timeout
        || finding.outcome == Outcome::Fail && fails_alone(server, &plan, &whole)
    {
        return Err(unrelated(server, finding.because(why())));
    }
    Err(finding.because(why()))
}

fn prepare(server: &mut Server) -> check::Result<(Company, Plan, Whole, Stalled)> {
    let company = Company::of(server)?;
    visit(server)?;
    let plan = Plan::with_recognised_replies(server)?;
    let whole = Whole::before(server, &plan)?;
    let stalled = plan.stall(server)?;
    Ok((company, plan, whole, stalled))
}

/// Receives and compares all replies that the client `stalled` has left unread.
fn receive(server: &mut Server, plan: &Plan, whole: &Whole, stalled: &mut Stalled) -> check::Result {
    stalled.receive_all(plan)?;
    whole.compare(server, plan, &mut stalled.client)
}

/// Reports whether a client that reads late receives wrong replies also if no other is served meanwhile. Then they hold
/// nothing of another client.
fn fails_alone(server: &mut Server, plan: &Plan, whole: &Whole) -> bool {
    let alone = plan.stall(server).and_then(|mut stalled| receive(server, plan, whole, &mut stalled));
    alone.is_err_and(|finding| finding.outcome == Outcome::Fail)
}

/// Turns a wrong or missing reply into a finding that no bytes of another client can be looked for. A crash remains one.
fn unrelated(server: &mut Server, finding: Finding) -> Finding {
    let finding = server.diagnose(finding);
    match finding.outcome {
        Outcome::Fail | Outcome::Timeout => {
            let wanted = "a server whose replies are right and complete while no other client is served";
            Finding { outcome: Outcome::Unsupported, expected: wanted.into(), ..finding }
        }
        _ => finding,
    }
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
        Err(finding) if finding.outcome == Outcome::Fail && echo_fails_alone(server, &bytes) => {
            Err(unrelated(server, finding.because(why)))
        }
        result => result.map_err(|finding| finding.because(why)),
    }
}

/// Reports whether a client that reads late receives a wrong echo also if no other is served meanwhile.
fn echo_fails_alone(server: &mut Server, bytes: &[u8]) -> bool {
    let alone = server.connect().and_then(|mut slow| {
        let taken = slow.fill_until_blocked(bytes)?;
        slow.expect(&bytes[..taken])
    });
    alone.is_err_and(|finding| finding.outcome == Outcome::Fail)
}
