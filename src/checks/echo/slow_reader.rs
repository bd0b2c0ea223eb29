//! Checks a client that sends until the socket is full before it reads anything (backpressure).

use std::thread;

use crate::check::{self, Finding};
use crate::checks::Check;
use crate::deadline::Interrupt;
use crate::outcome::Level::Must;
use crate::payload::MIB;
use crate::server::Server;
use crate::text::count;
use crate::transport::{Capabilities, Client, ConnectOptions};

pub const CHECK: Check = Check {
    id: "echo/slow-reader",
    level: Must,
    sentence: "a client that sends until the server takes no more, and only then reads, receives every byte in order",
    why: "under backpressure write(2) takes only part of the bytes, or none; a server that ignores its return value loses bytes or sends them twice, and a server that waits for its own reader deadlocks",
    citations: &["RFC 862", "write(2)", "RFC 9293 §3.8.6"],
    recipe: "with 12 clients at once, or one if the server serves one at a time: send without reading until the socket stays unwritable (at most 32 MiB); then read everything and compare; shut down the write side, and read what a server that buffers its output still holds, then end of file",
    requires: Capabilities::STREAM.union(Capabilities::HALF_CLOSE),
    run,
};

/// Clients that stall the server at once. A server that can deadlock does so in about one of five.
const STALLS: usize = 12;

fn run(server: &mut Server) -> check::Result {
    let bytes = server.payload(32 * MIB);
    let clients = crowd(server)?;
    let stalls = clients.len();
    let findings = stall_all(clients, &bytes);
    let failed = findings.len();
    // A finding that is not the server's fault takes precedence.
    let worst = findings.into_iter().min_by_key(|finding| finding.outcome.is_failure());
    worst.map_or(Ok(()), |finding| {
        let often = format!("in {failed} of {}", count(stalls, "stall"));
        Err(if finding.outcome.is_failure() { finding.because(often) } else { finding })
    })
}

/// Connects all clients: one, if the server serves one at a time.
fn crowd(server: &mut Server) -> check::Result<Vec<Client>> {
    let capabilities = server.spec().capabilities();
    let mut clients = vec![connected(server)?];
    let apart = !capabilities.contains(Capabilities::MANY_CLIENTS);
    if apart || capabilities.contains(Capabilities::CONCURRENT_CLIENTS) && server.serves_concurrently()? {
        while clients.len() < STALLS {
            clients.push(connected(server)?);
        }
    }
    Ok(clients)
}

/// Connects a client with a large receive buffer of fixed size. The server then writes in bursts, followed by a stop,
/// which makes a deadlock of the server more likely than a steady flow does.
fn connected(server: &mut Server) -> check::Result<Client> {
    let mut client =
        server.connect_with(&ConnectOptions { receive_buffer: Some(MIB), ..ConnectOptions::default() })?;
    // An answer shows that the server has accepted the client. A process launched for its client need not accept.
    if server.spec().capabilities().contains(Capabilities::MANY_CLIENTS) {
        client.exchange(b"well")?;
    }
    Ok(client)
}

fn stall_all(clients: Vec<Client>, bytes: &[u8]) -> Vec<Finding> {
    let interrupt = &Interrupt::of_thread();
    let stall_one = |client| {
        let _run_of_caller = interrupt.enter();
        stall(client, bytes).err()
    };
    thread::scope(|scope| {
        let stalls: Vec<_> =
            clients.into_iter().map(|client| scope.spawn(move || stall_one(client))).collect();
        let lost = |_| Some(Finding::broken("a client in a thread of its own", "the thread panicked"));
        stalls.into_iter().filter_map(|stall| stall.join().unwrap_or_else(lost)).collect()
    })
}

fn stall(mut client: Client, bytes: &[u8]) -> check::Result {
    let taken = client.fill_until_blocked(bytes)?;
    let stalled = format!("after a stall with {} taken", count(taken, "byte"));
    let echoed = client.collect(&bytes[..taken]).and_then(|()| client.finish());
    echoed.map_err(|finding| finding.because(&stalled))
}
