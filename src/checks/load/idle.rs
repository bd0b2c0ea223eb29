//! Checks that a waiting server uses no processor time.

use crate::check;
use crate::checks::requests::MANY_CLIENTS_OVER_STREAMS;
use crate::checks::stall::Plan;
use crate::checks::{Check, steps};
use crate::outcome::Level::Should;
use crate::payload::MIB;
use crate::server::Server;
use crate::text::count_with_noun;
use crate::transport::Capabilities;

pub const IDLE: Check = Check {
    id: "load/idle",
    level: Should,
    sentence: "a server whose clients are silent, or have gone, uses almost no processor time",
    why: "a server that polls for an event that is always ready, or calls in a loop without waiting, uses a whole processor for nothing",
    citations: &["poll(2)", "epoll(7)", "proc(5) (schedstat)"],
    recipe: "measure the processor time that the server's processes use, and wait for, in windows of 0.2 s, until it is idle in one, or busy in five and has used 0.8 s (3 s for each process if it is launched for its client, because it may still load): before the first client, with a silent client, with one that has shut down its write side, after all have gone, with one that has shut down its write side in the middle of a request, and with one that has sent urgent data (TCP)",
    requires: Capabilities::PROCESSES,
    run: silent,
};

pub const IDLE_WHILE_STALLED: Check = Check {
    id: "load/idle-while-stalled",
    level: Should,
    sentence: "a server whose client takes no more bytes uses almost no processor time, neither then nor after the client has gone",
    why: "the connection is readable and not writable; if the server polls for the wrong event, or ignores POLLHUP, poll(2) returns at once every time",
    citations: &["poll(2) (POLLHUP)", "epoll(7)", "proc(5) (schedstat)"],
    recipe: "send, or ask for replies, without reading until the server can send no more; measure processor time as in load/idle; reset the connection, and measure again; measure with clients that send half, and three quarters, of that amount and shut down their write side (with requests: one client that asks for as much)",
    requires: Capabilities::STALLS.union(Capabilities::STREAM).union(Capabilities::PROCESSES),
    run: stalled,
};

fn silent(server: &mut Server) -> check::Result {
    let capabilities = server.spec().capabilities();
    steps::expect_idle(server, "before its first client")?;
    let mut client = steps::connect_and_settle(server)?;
    steps::expect_idle(server, "with a silent client")?;
    if capabilities.contains(Capabilities::HALF_CLOSE) && capabilities.contains(Capabilities::MANY_CLIENTS) {
        client.shut_down_write()?;
        // Whether the server closes its side is not checked here.
        client.is_answered_within(server.deadlines().reply())?;
        steps::expect_idle(server, "with a client that has shut down its write side")?;
    }
    if capabilities.contains(Capabilities::MANY_CLIENTS) {
        if capabilities.contains(Capabilities::CONNECTIONLESS) {
            // The answer to a client that has gone can leave an error on the server's socket: udp(7).
            client.send(b"and gone")?;
        }
        client.close_and_await_arrival()?;
        steps::expect_idle(server, "after its client has gone")?;
    } else {
        server.leave_open(client);
    }
    with_half_a_request(server)?;
    with_urgent_data(server)
}

/// Measures with a client whose request will never be complete. The server may close it or wait.
fn with_half_a_request(server: &mut Server) -> check::Result {
    let capabilities = server.spec().capabilities();
    if !capabilities.contains(MANY_CLIENTS_OVER_STREAMS) || server.spec().protocol().only_greets() {
        return Ok(());
    }
    let mut client = server.connect()?;
    client.begin_request(b"half")?;
    client.shut_down_write()?;
    server.await_reaction()?;
    steps::expect_idle(server, "with a client that has sent half a request and shut down its write side")?;
    client.close_and_await_arrival()
}

/// Measures with a client that has sent urgent data. poll(2) reports POLLPRI until the server has read past it.
fn with_urgent_data(server: &mut Server) -> check::Result {
    if !server.spec().capabilities().contains(Capabilities::TCP.union(Capabilities::MANY_CLIENTS)) {
        return Ok(());
    }
    let mut client = steps::connect_and_settle(server)?;
    client.send_urgent(b'!')?;
    server.await_reaction()?;
    steps::expect_idle(server, "with a client that has sent urgent data (MSG_OOB)")
}

fn stalled(server: &mut Server) -> check::Result {
    if server.spec().protocol().replies_equal_requests() {
        stalled_by_echo(server)
    } else {
        stalled_by_replies(server)
    }
}

fn stalled_by_replies(server: &mut Server) -> check::Result {
    let plan = Plan::of(server)?;
    let stalled = plan.stall(server)?;
    let description = stalled.description();
    steps::expect_idle(server, &format!("while {description}"))?;
    stalled.expect_stalled()?;
    if !server.spec().capabilities().contains(Capabilities::MANY_CLIENTS) {
        return Ok(());
    }
    stalled.client.reset_and_await_arrival()?;
    steps::expect_idle(server, "after a client has reset its connection without reading")?;
    let mut stalled = plan.stall(server)?;
    stalled.client.shut_down_write()?;
    steps::expect_idle(server, &format!("while {description}, and has shut down its write side"))
}

fn stalled_by_echo(server: &mut Server) -> check::Result {
    let mut client = server.connect()?;
    let bytes = server.payload(32 * MIB);
    let taken = client.fill_until_blocked(&bytes)?;
    if taken == bytes.len() {
        return Ok(()); // The server takes everything, so it never stalls.
    }
    let all = count_with_noun(taken, "byte");
    steps::expect_idle(server, &format!("with a client that has sent {all} and reads nothing"))?;
    if !server.spec().capabilities().contains(Capabilities::MANY_CLIENTS) {
        return Ok(());
    }
    client.reset_and_await_arrival()?;
    steps::expect_idle(server, "after a client has reset its connection without reading")?;
    // These clients send less, so that their FIN is not held up in the client's own kernel behind bytes that the server does
    // not take; and still more than a server with large buffers can send back.
    for part in [taken / 2, taken / 4 * 3] {
        let mut client = server.connect()?;
        client.fill_until_blocked(&bytes[..part])?;
        client.shut_down_write()?;
        let part = count_with_noun(part, "byte");
        steps::expect_idle(
            server,
            &format!("with a client that has sent {part}, shut down its write side, and reads nothing"),
        )?;
    }
    Ok(())
}
