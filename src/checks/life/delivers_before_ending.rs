//! Checks whether a server sends back what it has read before SIGTERM ends it.

use crate::check::{self, Finding};
use crate::checks::Check;
use crate::checks::stall::Plan;
use crate::outcome::{Level::May, Outcome};
use crate::payload::{KIB, MIB};
use crate::server::Server;
use crate::text::count_with_noun;
use crate::transport::{Capabilities, ConnectOptions};

pub const CHECK: Check = Check {
    id: "life/delivers-before-ending",
    level: May,
    sentence: "a server that SIGTERM ends has sent back everything that it had read, and then closes without a reset",
    why: "bytes that the server has read and not returned are lost without an error, so users notice each deployment",
    citations: &["signal(7)", "tcp(7)", "socket(7) (SO_LINGER)", "RFC 9293 §3.6"],
    recipe: "connect with a small receive buffer; send 40,001 bytes; wait until the server has read all of them; send SIGTERM; count the bytes that come back; end of file follows, and no reset; with requests: ask for a long reply, or for many, and read nothing until the server can send no more; send SIGTERM; read the replies",
    requires: Capabilities::STALLS
        .union(Capabilities::TCP)
        .union(Capabilities::MANY_CLIENTS)
        .union(Capabilities::LAUNCHED),
    run,
};

fn run(server: &mut Server) -> check::Result {
    if server.spec().protocol().replies_equal_requests() {
        delivers_echo(server)
    } else {
        delivers_replies(server)
    }
}

fn delivers_replies(server: &mut Server) -> check::Result {
    let plan = Plan::of(server)?;
    let mut stalled = plan.stall(server)?;
    let description = stalled.description();
    let read_all =
        stalled.client.has_sent_all() && stalled.client.await_read_within(server.deadlines().quiet())?;
    server.begin_stop()?;
    // The server gets the signal before the client reads: it has exited by then, or waits for its client.
    server.await_reaction()?;
    stalled.client.enlarge_receive_buffer(MIB)?;
    let received = stalled.client.receive_all_replies();
    let (missing, partial) = (stalled.client.unanswered(), stalled.client.partial_reply());
    drop(stalled);
    let limit = server.deadlines().exit();
    if server.wait_for_exit(limit)?.is_none() {
        return Err(Finding::unsupported(
            "a server that SIGTERM ends",
            format!("alive after {} s", limit.as_secs_f64()),
        ));
    }
    let actual = match received {
        Ok(true) => return Ok(()),
        Err(finding) if finding.outcome != Outcome::Timeout => finding.actual,
        _ if partial > 0 => format!("one ended after {}", count_with_noun(partial, "byte")),
        _ if read_all => format!("{missing} of them did not come"),
        _ => {
            // A close with unread requests resets the connection, and a reset discards replies.
            return Err(Finding::unsupported(
                "all requests read by the server",
                "it left some of them unread",
            ));
        }
    };
    let wanted = "whole replies to all requests that the server had read when SIGTERM came";
    Err(Finding::info(wanted, actual).because(description))
}

fn delivers_echo(server: &mut Server) -> check::Result {
    let small = ConnectOptions { receive_buffer: Some(64 * KIB), ..ConnectOptions::default() };
    let mut client = server.connect_with(&small)?;
    client.exchange(b"well")?;
    let bytes = server.payload(40_001);
    client.fill_until_blocked(&bytes)?;
    if !client.await_read()? {
        // No verdict: a server may leave unread what it will not answer.
        return Err(Finding::unsupported("40,001 bytes read by the server", "it leaves some of them unread"));
    }
    // The server has written what it can write at once of what it has read.
    server.await_reaction()?;
    if let Err(finding) = server.stop_and_wait() {
        // life/ends-on-sigterm reports that.
        return Err(Finding::unsupported("a server that SIGTERM ends", finding.actual));
    }
    let length = count_with_noun(bytes.len(), "byte");
    client.expect(&bytes).map_err(|finding| {
        let wanted = format!("{length} back, all of which it had read when SIGTERM came");
        Finding::info(wanted, finding.actual)
    })?;
    // The kernel gives a client all that came before a reset. Bytes that are still on their way are lost.
    client.expect_eof().map_err(|finding| {
        let cause =
            "a reset, such as by SO_LINGER with time 0, discards what the client has not yet received";
        Finding::info(format!("end of file after {length} and SIGTERM"), finding.actual).because(cause)
    })
}
