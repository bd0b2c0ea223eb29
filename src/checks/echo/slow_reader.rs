//! Backpressure: what a server must hold while its client is not reading.

use std::thread;
use std::time::Duration;

use crate::check::{self, Finding};
use crate::checks::{Check, speech, talk};
use crate::outcome::Level::Must;
use crate::payload::MIB;
use crate::server::Server;
use crate::text::count;
use crate::transport::{Capabilities, Client, ConnectOptions};

pub const CHECK: Check = Check {
    id: "echo/slow-reader",
    level: Must,
    says: "a client that sends until nothing more is taken, and only then reads, gets every byte in order",
    why: "under backpressure a write takes only a part, or nothing: the rest is lost, or sent twice, by servers that ignore what write(2) returns; a server that waits for itself never goes on",
    cites: &["RFC 862", "write(2)", "RFC 9293 §3.8.6"],
    recipe: "12 clients at once, or one if they are served one after another: send without reading until the socket stays unwritable (at most 32 MiB), then read all, compare, and end it orderly, which is when one that gathers gives the rest",
    needs: Capabilities::STREAM.union(Capabilities::HALF_CLOSE),
    run,
};

/// A server that can deadlock itself does not do so every time: one time in five, say.
const STALLS: usize = 12;

fn run(server: &mut Server) -> check::Result {
    let bytes = server.payload(32 * MIB);
    let clients = crowd(server)?;
    let stalls = clients.len();
    let findings = stall_all(clients, &bytes, server.deadlines().reply());
    let failed = findings.len();
    // What is not the server's fault comes first.
    let worst = findings.into_iter().min_by_key(|finding| finding.outcome.is_failure());
    worst.map_or(Ok(()), |finding| {
        let often = format!("in {failed} of {}", count(stalls, "stall"));
        Err(if finding.outcome.is_failure() { finding.because(often) } else { finding })
    })
}

/// As many clients as are to be stalled, all connected.
fn crowd(server: &mut Server) -> check::Result<Vec<Client>> {
    let offers = server.spec().offers();
    let mut clients = vec![connected(server)?];
    let apart = !offers.contains(Capabilities::MANY_CLIENTS);
    if apart || offers.contains(Capabilities::AT_ONCE) && talk::at_once(server)? {
        while clients.len() < STALLS {
            clients.push(connected(server)?);
        }
    }
    Ok(clients)
}

/// A client with a receive buffer that does not grow, but is large: what the server gets rid of in bursts, and
/// then not at all, trips one that waits for itself more often than an even trickle does.
fn connected(server: &mut Server) -> check::Result<Client> {
    let mut client =
        server.connect_as(&ConnectOptions { receive_buffer: Some(MIB), ..ConnectOptions::default() })?;
    // Accepted before all send at once; a process launched for its client has it from the start.
    if server.spec().offers().contains(Capabilities::MANY_CLIENTS) {
        client.exchange(b"well")?;
    }
    Ok(client)
}

fn stall_all(clients: Vec<Client>, bytes: &[u8], lull: Duration) -> Vec<Finding> {
    thread::scope(|scope| {
        let stalls: Vec<_> =
            clients.into_iter().map(|client| scope.spawn(move || stall(client, bytes, lull).err())).collect();
        let lost = |_| Some(Finding::broken("a client of its own thread", "it panicked"));
        stalls.into_iter().filter_map(|stall| stall.join().unwrap_or_else(lost)).collect()
    })
}

fn stall(mut client: Client, bytes: &[u8], lull: Duration) -> check::Result {
    let taken = client.fill_until_blocked(bytes)?;
    let stalled = format!("after a stall with {} taken", count(taken, "byte"));
    speech::hear_out(client, &bytes[..taken], lull).map_err(|finding| finding.because(&stalled))
}
