//! Checks a client that sends until the socket is full before it reads anything (backpressure).

use std::thread;

use crate::check::{self, Finding};
use crate::checks::Check;
use crate::deadline::Interrupt;
use crate::outcome::Level::Must;
use crate::payload::MIB;
use crate::server::Server;
use crate::text::count_with_noun;
use crate::transport::{Capabilities, Client, ConnectOptions};

pub const CHECK: Check = Check {
    id: "echo/slow-reader",
    level: Must,
    sentence: "a client that sends until the server takes no more, and only then reads, receives every byte in order",
    why: "under backpressure write(2) takes only part of the bytes, or none; a server that ignores its return value loses bytes or sends them twice, and a server that waits for its own reader deadlocks",
    citations: &["RFC 862", "write(2)", "RFC 9293 §3.8.6"],
    recipe: "with 12 clients at once, or one if the server serves one at a time: send without reading until the socket stays unwritable (at most 32 MiB); then read everything and compare; shut down the write side, and read what a server that buffers its output still holds, then end of file",
    requires: Capabilities::ECHO.union(Capabilities::STREAM).union(Capabilities::HALF_CLOSE),
    run,
};

/// The number of simultaneous clients that send all before they read. A server that can deadlock does so for about
/// one client in five.
const CLIENTS: usize = 12;

fn run(server: &mut Server) -> check::Result {
    let bytes = server.payload(32 * MIB);
    let clients = connect_all(server)?;
    let number = clients.len();
    let findings = send_then_read_all(clients, &bytes);
    let failed = findings.len();
    // A finding that is not the server's fault takes precedence.
    let worst = findings.into_iter().min_by_key(|finding| finding.outcome.is_failure());
    worst.map_or(Ok(()), |finding| {
        let share = format!("{failed} of {} failed", count_with_noun(number, "client"));
        Err(if finding.outcome.is_failure() { finding.because(share) } else { finding })
    })
}

/// Connects all clients of a check: only one, if the server serves one at a time.
fn connect_all(server: &mut Server) -> check::Result<Vec<Client>> {
    let capabilities = server.spec().capabilities();
    let mut clients = vec![connect(server)?];
    let own_process = !capabilities.contains(Capabilities::MANY_CLIENTS);
    if own_process
        || capabilities.contains(Capabilities::CONCURRENT_CLIENTS) && server.serves_concurrently()?
    {
        while clients.len() < CLIENTS {
            clients.push(connect(server)?);
        }
    }
    Ok(clients)
}

/// Connects a client with a large receive buffer of fixed size. The server then writes in bursts, followed by a stop,
/// which makes a deadlock of the server more likely than a steady flow does.
fn connect(server: &mut Server) -> check::Result<Client> {
    let mut client =
        server.connect_with(&ConnectOptions { receive_buffer: Some(MIB), ..ConnectOptions::default() })?;
    // An answer shows that the server has accepted the client. A process launched for its client need not accept.
    if server.spec().capabilities().contains(Capabilities::MANY_CLIENTS) {
        client.exchange(b"well")?;
    }
    Ok(client)
}

/// Lets each client send and then read, in a thread of its own. Returns the findings.
fn send_then_read_all(clients: Vec<Client>, bytes: &[u8]) -> Vec<Finding> {
    let interrupt = &Interrupt::of_thread();
    let run_one = |client| {
        let _run_of_caller = interrupt.enter();
        send_then_read(client, bytes).err()
    };
    thread::scope(|scope| {
        let threads: Vec<_> =
            clients.into_iter().map(|client| scope.spawn(move || run_one(client))).collect();
        let panicked = |_| Some(Finding::broken("a client in a thread of its own", "the thread panicked"));
        threads.into_iter().filter_map(|thread| thread.join().unwrap_or_else(panicked)).collect()
    })
}

/// Sends `bytes` until the client's socket is full, and only then reads.
fn send_then_read(mut client: Client, bytes: &[u8]) -> check::Result {
    let taken = client.fill_until_blocked(bytes)?;
    let context = format!("the client had sent {} without reading", count_with_noun(taken, "byte"));
    let result = client.collect_echo(&bytes[..taken]).and_then(|()| client.finish());
    result.map_err(|finding| finding.because(context))
}
