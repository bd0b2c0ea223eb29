//! The questions of a rehearsal about one connection.

use std::time::Duration;

use crate::check;
use crate::outcome::Outcome;
use crate::protocol::Tolerance;
use crate::server::Server;
use crate::transport::Client;

/// The result of sending a second request on a connection: whether the server answers it.
pub(super) enum Second {
    Answered,
    Closed,
    Unanswered,
}

pub(super) fn second_request(server: &mut Server) -> Second {
    let twice = |server: &mut Server| -> check::Result<Second> {
        let mut client = server.connect_and_exchange()?;
        // The reply has been taken: what comes now is the end of the connection, or a notification. A server that ends
        // the connection after its reply does so before it waits for anything else.
        if client.receive_all_sent(Duration::ZERO).is_err() || client.has_ended() {
            return Ok(Second::Closed);
        }
        match client.exchange(b"again") {
            Ok(()) => Ok(Second::Answered),
            // A timeout shows an open connection; anything else, its end.
            Err(finding) if finding.outcome == Outcome::Timeout => Ok(Second::Unanswered),
            Err(_) => Ok(if client.has_ended() { Second::Closed } else { Second::Unanswered }),
        }
    };
    twice(server).unwrap_or(Second::Unanswered)
}

pub(super) fn closes_after_reply(server: &mut Server) -> check::Result<bool> {
    let reply = server.deadlines().reply();
    let mut client = server.connect_and_exchange()?;
    Ok(client.has_ended() || client.is_answered_within(reply)?)
}

/// Finds out whether a client that has shut down its side of the connection gets its reply, and then end of file.
pub(super) fn honours_half_close(server: &mut Server) -> check::Result<bool> {
    let reply = server.deadlines().reply();
    let mut client = server.connect()?;
    client.send(b"half-closed")?;
    client.shut_down_write()?;
    if !client.is_answered_within(reply)? {
        return Ok(false);
    }
    client.expect(b"half-closed")?;
    Ok(client.is_answered_within(reply)? && client.expect_eof().is_ok())
}

/// The properties that a server has shown in one conversation.
#[derive(Default)]
pub(super) struct Shown {
    /// Whether the server sends something before it has read anything. `None` if that was not seen.
    pub speaks_first: Option<bool>,
    pub keep_alive: bool,
    pub pipelining: bool,
    pub half_close: bool,
    /// Bytes before the end of the first reply that are no message.
    pub strays: Vec<u8>,
    /// The number of notifications that the server has answered.
    pub answered_notifications: u64,
}

/// Asks everything that a rehearsal asks in one conversation, until the server does not show a property. So a server on
/// standard input and output is launched only once, or once more for that property.
///
/// # Errors
/// The server does not answer a first request.
pub(super) fn converse(server: &mut Server) -> check::Result<Shown> {
    let (quiet, reply) = (server.deadlines().quiet(), server.deadlines().reply());
    let client = server.connect()?.with_tolerance(Tolerance::Strays);
    let mut client = client.accepting_answers_to_notifications(true);
    let speaks_first = client.is_answered_within(quiet)?;
    client.exchange(b"first")?;
    // Later ones are the subject of checks.
    let strays = client.strays().to_vec();
    let keep_alive = client.receive_all_sent(quiet).and_then(|()| client.exchange(b"again")).is_ok();
    let together = |client: &mut Client| {
        client.send_together(&[b"one", b"two"])?;
        client.expect(b"onetwo")
    };
    let pipelining = keep_alive && together(&mut client).is_ok();
    let half_closed = |client: &mut Client| -> check::Result<bool> {
        client.send(b"half-closed")?;
        client.shut_down_write()?;
        client.expect(b"half-closed")?;
        Ok(client.is_answered_within(reply)? && client.expect_eof().is_ok())
    };
    let half_close = pipelining && half_closed(&mut client).unwrap_or(false);
    let answered_notifications = client.answered_notifications();
    Ok(Shown {
        speaks_first: Some(speaks_first),
        keep_alive,
        pipelining,
        half_close,
        strays,
        answered_notifications,
    })
}
