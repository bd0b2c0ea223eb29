//! A client for checks that ask the same of streams and of messages.

use std::net::SocketAddr;
use std::time::Duration;

use crate::check::{self, Finding};
use crate::server::{LaunchError, Server};
use crate::transport::{Capabilities, Client, ConnectOptions, Messenger};

/// A client of either kind.
pub(super) enum Talker {
    Stream(Client),
    Messages(Messenger),
}

/// A new client of whichever kind the server's transport asks for.
pub(super) fn connect(server: &mut Server) -> check::Result<Talker> {
    connect_as(server, &ConnectOptions::default())
}

/// The same, coming in a way of its own.
pub(super) fn connect_as(server: &mut Server, approach: &ConnectOptions) -> check::Result<Talker> {
    if server.spec().offers().contains(Capabilities::STREAM) {
        server.connect_as(approach).map(Talker::Stream)
    } else {
        server.messenger_as(approach).map(Talker::Messages)
    }
}

/// A client that has been answered once.
pub(super) fn answered(server: &mut Server) -> check::Result<Talker> {
    let mut client = connect(server)?;
    client.exchange(b"here")?;
    Ok(client)
}

/// A client whose server has had the time to answer it. One of many clients must have answered; a process for
/// one client may be a filter that gathers what it writes, and has had its turn once it waits again.
pub(super) fn had_its_turn(server: &mut Server) -> check::Result<Talker> {
    if server.spec().offers().contains(Capabilities::MANY_CLIENTS) {
        return answered(server);
    }
    let mut client = connect(server)?;
    client.send(b"here")?;
    if heard_or_at_rest(server, &mut client)? {
        client.expect(b"here")?;
    }
    Ok(client)
}

/// A server that is slow to start is at work for longer than a turn; so many of them, and it has had its time.
const TURNS: usize = 5;

/// Whether `client` hears something before the server waits again.
fn heard_or_at_rest(server: &Server, client: &mut Talker) -> check::Result<bool> {
    let deadlines = server.deadlines();
    for _ in 0..TURNS {
        if client.hears_within(deadlines.reply())? {
            return Ok(true);
        }
        if server.cpu_use(deadlines.quiet()).is_ok_and(|cpu_use| !cpu_use.is_busy_loop()) {
            return Ok(false);
        }
    }
    Ok(false)
}

/// Starts the server again on its address and has it answer; `cause` is likely where it gives up by itself.
pub(super) fn started_again(server: &mut Server, cause: &str) -> check::Result {
    let wanted = format!("the server started again on {}", server.address());
    match server.restart() {
        Ok(()) => answered(server).map(drop),
        Err(LaunchError::Interrupted) => Err(Finding::interrupted()),
        Err(error @ LaunchError::Ended { .. }) => {
            Err(Finding::fail(wanted, error.to_string()).because(cause))
        }
        Err(error @ LaunchError::NotReady { .. }) => Err(Finding::timeout(wanted, error.to_string())),
        Err(error) => Err(Finding::broken(wanted, error.to_string())),
    }
}

/// Whether a second client is answered while the first is connected and silent.
pub(super) fn at_once(server: &mut Server) -> check::Result<bool> {
    let limit = server.deadlines().reply();
    let mut probe = connect(server)?;
    probe.send(b"?")?;
    probe.hears_within(limit)
}

impl Talker {
    pub fn local_address(&self) -> check::Result<SocketAddr> {
        match self {
            Talker::Stream(client) => client.local_address(),
            Talker::Messages(client) => client.local_address(),
        }
    }

    pub fn send(&mut self, bytes: &[u8]) -> check::Result {
        match self {
            Talker::Stream(client) => client.send(bytes),
            Talker::Messages(client) => client.send(bytes),
        }
    }

    pub fn expect(&mut self, bytes: &[u8]) -> check::Result {
        match self {
            Talker::Stream(client) => client.expect(bytes),
            Talker::Messages(client) => client.expect(bytes).map(drop),
        }
    }

    pub fn exchange(&mut self, bytes: &[u8]) -> check::Result {
        self.send(bytes)?;
        self.expect(bytes)
    }

    pub fn hears_within(&mut self, limit: Duration) -> check::Result<bool> {
        match self {
            Talker::Stream(client) => client.hears_within(limit),
            Talker::Messages(client) => client.hears_within(limit),
        }
    }

    /// Ends the client's direction, and waits for nothing.
    pub fn shut_down_write(&mut self) -> check::Result {
        match self {
            Talker::Stream(client) => client.shut_down_write(),
            Talker::Messages(client) => client.shut_down_write(),
        }
    }

    /// Ends the client's direction and waits for the server to end the other; nothing to end without a
    /// connection.
    pub fn finish(&mut self, offers: Capabilities) -> check::Result {
        match self {
            _ if !offers.contains(Capabilities::HALF_CLOSE) => Ok(()),
            Talker::Stream(client) => {
                client.shut_down_write()?;
                client.expect_eof()
            }
            Talker::Messages(client) => {
                client.shut_down_write()?;
                client.expect_eof()
            }
        }
    }
}
