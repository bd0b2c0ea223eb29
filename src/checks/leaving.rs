//! The ways in which a client leaves the server. Each takes another path through a server, which can forget to clean up.
//!
//! Not every way waits until the server has noticed the end. The next client that exchanges a message does.

use std::time::Duration;

use crate::check;
use crate::checks::requests::await_read;
use crate::server::Server;
use crate::transport::{Capabilities, Client};

/// One way in which a client visits the server and leaves.
#[derive(Clone, Copy)]
pub(super) struct Leaving {
    /// The end of a sentence that begins with "clients that".
    pub clause: &'static str,
    requires: Capabilities,
    visit: fn(&mut Server) -> check::Result,
}

impl Leaving {
    /// Returns a way that every server must stand.
    pub const fn new(clause: &'static str, visit: fn(&mut Server) -> check::Result) -> Leaving {
        Leaving { clause, requires: Capabilities::empty(), visit }
    }

    const fn requires(self, requires: Capabilities) -> Leaving {
        Leaving { requires, ..self }
    }

    /// Lets one client visit the server and leave in this way.
    ///
    /// # Errors
    /// Those of the client's steps.
    pub fn visit(&self, server: &mut Server) -> check::Result {
        (self.visit)(server)
    }
}

/// A request has a first half only in a protocol other than echo.
const HALVES: Capabilities = Capabilities::REQUESTS.union(Capabilities::STREAM);

/// The client's end of a Unix socket with unread bytes resets the connection: the server's read(2) fails with ECONNRESET, its
/// write(2) with EPIPE.
const UNIX: Capabilities = Capabilities::STREAM.union(Capabilities::SOCKET_PATH);

const ORDERLY: &[Leaving] = &[
    Leaving::new("exchange a message and close", |server| {
        let mut client = server.connect()?;
        client.exchange(b"in")?;
        client.finish()
    }),
    Leaving::new("send half a request and close", |server| {
        let client = send_half(server)?;
        client.close_and_await_arrival()
    })
    .requires(HALVES),
    Leaving::new("close without a byte sent", |server| server.connect()?.close_and_await_arrival()),
    Leaving::new("close with a reply unread", |server| {
        let mut client = server.connect_ready()?;
        client.send(b"never read")?;
        client.readable_within(ARRIVES)?;
        client.close_and_await_arrival()
    })
    .requires(UNIX),
    Leaving::new("close before their reply", |server| {
        let mut client = server.connect_ready()?;
        client.send(b"never read")?;
        client.close_and_await_arrival()
    })
    .requires(UNIX),
];

const RESETS: &[Leaving] = &[
    Leaving::new("reset after an exchange", |server| server.connect_ready()?.reset()),
    Leaving::new("reset with their last bytes unread", |server| {
        let mut client = server.connect_ready()?;
        client.send(b"never read")?;
        client.reset()
    }),
    Leaving::new("reset in the middle of a request", |server| send_half(server)?.reset_and_await_arrival())
        .requires(HALVES),
    Leaving::new("reset at once", |server| server.connect()?.reset_and_await_arrival()),
    Leaving::new("reset before they are accepted", |server| {
        server.freeze()?;
        let gone = server.connect().and_then(Client::reset_and_await_arrival);
        server.thaw()?;
        gone
    })
    .requires(Capabilities::LAUNCHED),
];

/// The time in which most servers have answered a client that will not read the answer.
const ARRIVES: Duration = Duration::from_millis(20);

/// Returns the ways to leave the server without SO_LINGER.
pub(super) fn orderly(server: &Server) -> Vec<Leaving> {
    possible(server, ORDERLY)
}

/// Returns the ways to leave the server by a reset. Needs TCP.
pub(super) fn by_reset(server: &Server) -> Vec<Leaving> {
    possible(server, RESETS)
}

/// Says that the server keeps `what` of clients that leave in one of `leaking`. Says nothing if these are all `ways`, or none.
pub(super) fn describe(leaking: &[Leaving], ways: &[Leaving], what: &str) -> String {
    if leaking.is_empty() || leaking.len() == ways.len() {
        return String::new();
    }
    let clauses: Vec<_> = leaking.iter().map(|way| way.clause).collect();
    format!("the server keeps {what} of clients that {}", clauses.join(", or "))
}

fn possible(server: &Server, ways: &[Leaving]) -> Vec<Leaving> {
    let (spec, mut capabilities) = (server.spec(), server.spec().capabilities());
    if spec.protocol().only_greets() {
        capabilities.remove(Capabilities::REQUESTS);
    }
    ways.iter().filter(|way| capabilities.contains(way.requires)).copied().collect()
}

/// Connects a client that has sent the first half of a request, which the server has read, unless it is slow.
fn send_half(server: &mut Server) -> check::Result<Client> {
    let mut client = server.connect()?;
    client.send_half(b"half a request")?;
    await_read(server, &client, server.deadlines().quiet())?;
    Ok(client)
}
