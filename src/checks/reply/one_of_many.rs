//! Checks that each of many clients gets the reply to its own request.

use std::time::{Duration, Instant};

use crate::check;
use crate::checks::Check;
use crate::checks::requests::MANY_CLIENTS_OVER_STREAMS;
use crate::checks::steps::ask_all;
use crate::outcome::Level::Must;
use crate::server::Server;
use crate::transport::{Capabilities, Client};

pub const CHECK: Check = Check {
    id: "reply/one-of-many",
    level: Must,
    sentence: "of two hundred clients that ask at once, each receives the reply to its own request",
    why: "buffers that clients share, or replies that are matched to the wrong connection, give one client the data of another",
    citations: &["RFC 9293 §3.4.1", "accept(2)"],
    recipe: "connect 200 clients, or as many as the server takes; each sends a request with a token of its own, without waiting for the others; compare the reply of each; if connections stay open, twice, and up to 20 times in all while that takes less than a second, every other time with the server stopped while the clients send",
    requires: MANY_CLIENTS_OVER_STREAMS
        .union(Capabilities::DISTINCT_REPLIES)
        .union(Capabilities::CONCURRENT_CLIENTS),
    run,
};

const CLIENTS: usize = 200;

const CONTENT: usize = 64;

/// The number of times that all clients ask if connections stay open. A race between threads of the server may show
/// in few of them. The next constants are the number of times for a slow server, and the time from which it is slow.
const ROUNDS: usize = 20;
const FEW_ROUNDS: usize = 2;
const SLOW: Duration = Duration::from_secs(1);

fn run(server: &mut Server) -> check::Result {
    let stays_open = server.spec().capabilities().contains(Capabilities::STAYS_OPEN);
    let first = server.connect_and_exchange()?;
    let many = server.serves_concurrently()?;
    drop(first);
    let connected = Instant::now();
    let mut clients = connect(server, if many { CLIENTS } else { 1 })?;
    let mut stopwatch = server.stopwatch();
    for round in 0..if stays_open { ROUNDS } else { 1 } {
        if round >= FEW_ROUNDS && stopwatch.elapsed() >= SLOW {
            break;
        }
        let contents: Vec<_> = clients.iter().map(|_| server.payload(CONTENT)).collect();
        // A server that was stopped finds all requests at once when it continues.
        let stops = round >= FEW_ROUNDS && round % 2 == 1;
        let all_served = ask_all(server, &mut clients, &contents, connected, |server, send| {
            if !stops || server.is_attached() {
                send();
                return Ok(());
            }
            let stopped = server.freeze();
            send();
            server.thaw()?;
            stopped
        })?;
        if !all_served {
            break;
        }
    }
    Ok(())
}

/// Connects `most` clients, or as many as the server serves at once. The check `port/many-clients` judges that
/// number.
fn connect(server: &mut Server, most: usize) -> check::Result<Vec<Client>> {
    let mut clients: Vec<Client> = Vec::with_capacity(most);
    while clients.len() < most {
        match open(server) {
            Ok(client) => clients.push(client),
            Err(finding) if clients.is_empty() => return Err(finding),
            Err(_) => break,
        }
    }
    Ok(clients)
}

/// Connects a client to the server. If the connection stays open, the server shows with a first reply that it serves
/// this client too.
fn open(server: &mut Server) -> check::Result<Client> {
    if server.spec().capabilities().contains(Capabilities::STAYS_OPEN) {
        return server.connect_and_exchange();
    }
    let mut client = server.connect()?;
    client.complete_opening()?;
    Ok(client)
}
