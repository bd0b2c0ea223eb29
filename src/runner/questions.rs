//! The questions of a rehearsal about one connection.

use std::time::Duration;

use crate::check::{self, Finding};
use crate::outcome::Outcome;
use crate::protocol::Tolerance;
use crate::server::Server;

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

/// Finds out whether the server has all properties that a rehearsal asks about, in one conversation. A server on
/// standard input and output is then launched only once. Returns how many notifications the server has answered, which
/// it must not.
///
/// # Errors
/// The first question that is not answered with yes: then each is asked by itself.
pub(super) fn does_everything(server: &mut Server) -> check::Result<u64> {
    let (quiet, reply) = (server.deadlines().quiet(), server.deadlines().reply());
    let client = server.connect()?.with_tolerance(Tolerance::Strays);
    let mut client = client.accepting_answers_to_notifications(true);
    if client.is_answered_within(quiet)? {
        return Err(Finding::fail("nothing before the first request", "something"));
    }
    client.exchange(b"first")?;
    client.receive_all_sent(quiet)?;
    client.exchange(b"again")?;
    client.send_together(&[b"one", b"two"])?;
    client.expect(b"onetwo")?;
    client.send(b"half-closed")?;
    client.shut_down_write()?;
    client.expect(b"half-closed")?;
    match client.is_answered_within(reply)? {
        true => client.expect_eof().map(|()| client.answered_notifications()),
        false => Err(Finding::fail("end of file", "nothing")),
    }
}
