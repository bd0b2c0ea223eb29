//! Checks that the server stops reading from a client that does not read (backpressure).

use std::time::Instant;

use crate::check::{self, Finding, OrFinding};
use crate::checks::stall::{Plan, Stalled};
use crate::checks::{Check, requests};
use crate::outcome::Level::Should;
use crate::payload::MIB;
use crate::server::Server;
use crate::sys;
use crate::transport::{Capabilities, Client};

pub const CHECK: Check = Check {
    id: "load/bounded-buffering",
    level: Should,
    sentence: "the server takes only a limited amount of data from a client that never reads",
    why: "if the server keeps reading while its answers cannot be sent, one client can use up all memory",
    citations: &["RFC 9293 §3.8.6", "tcp(7) (tcp_rmem, tcp_wmem)", "unix(7)"],
    recipe: "send without reading until the server takes no more (at most 96 MiB); subtract from that what the kernel holds at both ends; the server may hold the rest, but at most 32 MiB; where requests carry no bytes that come back: send requests without reading, until the server leaves some unread; its memory may grow by 32 MiB while it owes more than that",
    requires: Capabilities::PIPELINES
        .union(Capabilities::STREAM)
        .union(Capabilities::CONNECTIONS)
        .union(Capabilities::MANY_CLIENTS)
        .union(Capabilities::PROCESSES)
        .union(Capabilities::LOCAL),
    run,
};

/// The number of bytes that a client sends without reading: more than the kernel's buffers and [`ALLOWED`] together.
const MOST: usize = 96 * MIB;

/// The number of bytes of unread replies that the server may hold for one client.
const ALLOWED: usize = 32 * MIB;

/// The largest number of requests that a client sends without reading the replies.
const MOST_REQUESTS: usize = 50_000;

fn run(server: &mut Server) -> check::Result {
    if server.spec().capabilities().contains(Capabilities::FILLABLE) {
        of_content(server)
    } else {
        of_replies(server)
    }
}

/// Sends requests without reading replies, until the server leaves some requests unread. A server may read a few more
/// than it can answer, and a reply may be in a file; so a server that reads on fails only if its memory grows.
fn of_replies(server: &mut Server) -> check::Result {
    let plan = Plan::of(server)?;
    let before = server.process_stats()?.resident;
    let Stalled { mut client, mut requests, .. } = plan.stall(server)?;
    let deadline = Instant::now() + 4 * server.deadlines().no_progress();
    while requests < MOST_REQUESTS && Instant::now() < deadline {
        let more = (requests / 4).max(1);
        let all_sent = plan.ask(server, &mut client, more)?;
        requests += more;
        if !requests::await_read(server, &client, server.deadlines().quiet())? {
            // It may still be at work on earlier ones, or wait for a processor.
            server.await_reaction()?;
        }
        if !all_sent || !client.is_read_by_server() {
            return Ok(());
        }
        let due = (requests * plan.reply).saturating_sub(client.unread()?.total());
        let grown = server.process_stats()?.resident.saturating_sub(before);
        if due > ALLOWED && grown > ALLOWED as u64 {
            return Err(Finding::fail(
                "a server that stops reading while its replies are not read",
                format!(
                    "{requests} requests read; its memory has grown by {} MiB, and it owes replies of {} MiB",
                    grown / MIB as u64,
                    due / MIB
                ),
            ));
        }
    }
    let actual = format!("it has read {requests} requests, and uses little memory for their replies");
    Err(Finding::unsupported("a server that leaves requests unread, or keeps many replies", actual))
}

fn of_content(server: &mut Server) -> check::Result {
    // The client sends the same block again and again, since it never reads the echo.
    let block = server.payload(4 * MIB);
    let mut client = server.connect()?;
    let before = server.process_stats().ok().map(|stats| stats.resident);
    // A server may take a little at a time without end.
    let deadline = Instant::now() + 12 * server.deadlines().no_progress();
    let mut taken = 0;
    while taken < MOST && Instant::now() < deadline {
        let more = client.fill_until_blocked(&block)?;
        taken += more;
        let with_server = taken.saturating_sub(in_kernel(&client)?);
        if with_server > ALLOWED {
            let now = server.process_stats().ok().map(|stats| stats.resident);
            let grown = before.zip(now).map(|(before, now)| now.saturating_sub(before));
            if let Some(grown) = grown.filter(|&grown| grown < with_server as u64 / 4) {
                return Err(lost(taken, with_server, grown));
            }
            return Err(Finding::fail(
                "a server that stops reading while its answers are not read",
                format!("{} MiB taken, {} MiB of them held by the server", taken / MIB, with_server / MIB),
            ));
        }
        if more < block.len() {
            break;
        }
    }
    Ok(())
}

/// Describes a server that has taken much, and keeps little of it in memory.
fn lost(taken: usize, with_server: usize, grown: u64) -> Finding {
    let actual = format!(
        "{} MiB taken, {} MiB of them not sent back; the server's memory has grown by only {} MiB",
        taken / MIB,
        with_server / MIB,
        grown / MIB as u64
    );
    Finding::fail("a server that stops reading while its answers are not read", actual)
        .because("the server neither sends nor holds these bytes in memory: likely it takes no notice that send(2) took only a part of an answer, and drops the rest")
        .harms(LOSES)
}

const LOSES: &str = "a client that reads slowly loses a part of its answers, and takes the beginning of one for the rest of another";

/// Returns the number of bytes that the kernel holds for the client's connection, in both directions, at both ends.
fn in_kernel(client: &Client) -> check::Result<usize> {
    let Some(socket) = client.link().as_socket() else { return Ok(0) };
    let ends = socket.local_addr().and_then(|ours| Ok((ours.as_socket(), socket.peer_addr()?.as_socket())));
    let (Some(ours), Some(theirs)) = ends.or_unsupported("the bytes that the kernel holds")? else {
        // On a Unix domain socket, bytes count against the sender's buffer until they are read.
        return Ok(2 * socket.send_buffer_size().or_unsupported("the bytes that the kernel holds")?);
    };
    let held = |local, remote| {
        let queues = sys::tcp_queues(local, remote)
            .or_unsupported("the bytes that the kernel holds")?
            .unwrap_or_default();
        Ok(queues.unacknowledged + queues.unread)
    };
    Ok(held(ours, theirs)? + held(theirs, ours)?)
}
