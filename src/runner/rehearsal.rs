//! The rehearsal: one dialogue with a fresh server before any check.
//!
//! It shows whether the server speaks its protocol at all, so that a run against the wrong protocol ends at once
//! instead of failing every check. Then it finds out what the server can be asked: whether a connection stays open,
//! whether two requests at once are answered, whether a request is answered after its sender's end of file. The
//! rehearsal can make a check *unsupported*; it never makes one pass.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::parts;
use super::questions::{Second, Shown, closes_after_reply, converse, honours_half_close, second_request};
use crate::check::{self, Finding};
use crate::outcome::Outcome;
use crate::protocol::Tolerance;
use crate::protocol::protocol_of_words;
use crate::server::{LaunchError, MissingCapabilities, Rehearsal, Server};
use crate::text::excerpt;
use crate::transport::{Capabilities, ConnectOptions, missing_loopback_address};

/// Speaks the server's protocol with the server before any check. Returns the properties that it found, and what the
/// server lacks; `None` for an echo server, whose checks ask everything themselves.
///
/// # Errors
/// [`LaunchError::Rehearsal`] if the server does not speak the protocol.
pub(super) fn rehearse(
    server: &mut Server,
) -> Result<Option<(Rehearsal, Vec<MissingCapabilities>)>, LaunchError> {
    if server.spec().protocol().replies_equal_requests() {
        return Ok(None);
    }
    let mut found = Found::default();
    // A server that is launched for each client is asked everything in one conversation.
    let once = is_asked(server, Capabilities::STDIO.union(Capabilities::END_OF_INPUT));
    let shown = if once { converse(server).ok() } else { None };
    let lacks = match &shown {
        Some(shown) => lacks_of_output(&shown.strays, shown.answered_notifications),
        None => speaks(server)?,
    };
    for lack in lacks {
        server.learn(lack.clone());
        found.lacks.push(lack);
    }
    if let Some(place) = parts::wrong_part(server) {
        return Err(LaunchError::Rehearsal(place));
    }
    let shown = shown.unwrap_or_default();
    found.take(&shown, server.spec().protocol().speaks_first());
    let questions: [(bool, Question); 6] = [
        (shown.speaks_first.is_some(), Found::ask_speaks_first),
        (shown.keep_alive, Found::ask_keep_alive),
        (shown.pipelining, Found::ask_pipelining),
        (shown.half_close, Found::ask_half_close),
        (false, Found::ask_other_sources),
        (false, Found::ask_stalls),
    ];
    for (_, ask) in questions.iter().filter(|(is_answered, _)| !is_answered) {
        ask(&mut found, server);
    }
    Ok(Some((found.rehearsal, found.lacks)))
}

/// Exchanges one message with the server. Returns the capabilities that the server lacks if it writes bytes that are no
/// message, or answers a notification.
fn speaks(server: &mut Server) -> Result<Vec<MissingCapabilities>, LaunchError> {
    let name = server.spec().protocol().name().to_owned();
    let spoken = server.connect().and_then(|client| {
        let client = client.with_tolerance(Tolerance::Strays);
        let mut client = client.accepting_answers_to_notifications(true);
        let spoken = client.exchange(b"hello");
        // Bytes after a whole reply are the subject of checks.
        if client.unanswered() > 0 {
            spoken.map_err(|finding| with_stray(finding, server, client.strays()))?;
        }
        Ok((client.strays().to_vec(), client.answered_notifications()))
    });
    let finding = match spoken {
        Ok((strays, answered)) => {
            return Ok(lacks_of_output(&strays, answered));
        }
        Err(finding) => finding,
    };
    // This system does not show whether the server has read what it does not answer.
    if finding.outcome == Outcome::Unsupported {
        return Ok(Vec::new());
    }
    let hint = protocol_of_words(finding.actual.as_bytes()).filter(|other| *other != name);
    let hint = hint.map(|other| format!("\n  help      try --protocol {other}")).unwrap_or_default();
    Err(LaunchError::Rehearsal(format!(
        "the server does not speak the protocol {name}\n  expected  {}\n  actual    {}{hint}",
        indented(&finding.expected),
        indented(&finding.actual)
    )))
}

/// Adds to `finding` what the first bytes are that are no message, if the client has received such bytes.
fn with_stray(mut finding: Finding, server: &Server, strays: &[u8]) -> Finding {
    if let Some(stray) = server.spec().protocol().find_stray(strays, false) {
        finding.actual += &format!("\nreceived {}: {}", stray.what, excerpt(&stray.bytes));
    }
    finding
}

/// Returns the capabilities that a server lacks which has written `strays`, bytes that are no message, and has answered
/// this number of notifications.
fn lacks_of_output(strays: &[u8], answered_notifications: u64) -> Vec<MissingCapabilities> {
    let mut lacks = Vec::new();
    if !strays.is_empty() {
        let reason = format!("the server writes to standard output what is no message: {}", excerpt(strays));
        lacks.push(MissingCapabilities::new(Capabilities::CLEAN_OUTPUT, reason));
    }
    if answered_notifications > 0 {
        let reason = "the server answers notifications";
        lacks.push(MissingCapabilities::new(Capabilities::ANSWERS_REQUESTS_ALONE, reason));
    }
    lacks
}

fn indented(text: &str) -> String {
    text.replace('\n', "\n            ")
}

/// Asks a server for one property.
type Question = fn(&mut Found, &mut Server);

/// The properties of a server that a rehearsal has found so far.
#[derive(Default)]
struct Found {
    rehearsal: Rehearsal,
    lacks: Vec<MissingCapabilities>,
}

impl Found {
    fn lack(&mut self, capabilities: Capabilities, reason: impl Into<String>) {
        self.lacks.push(MissingCapabilities::new(capabilities, reason));
    }

    /// Records the properties that the server has shown.
    fn take(&mut self, shown: &Shown, has_greeting: bool) {
        if let Some(speaks) = shown.speaks_first {
            self.learn_who_begins(speaks, has_greeting);
        }
        self.rehearsal.keep_alive = shown.keep_alive.then_some(true);
        self.rehearsal.pipelining = shown.pipelining.then_some(true);
        self.rehearsal.half_close = shown.half_close.then_some(true);
    }

    /// Records that the server differs from what its protocol file declares.
    fn differs(&mut self, declared: &str, actual: &str) {
        self.rehearsal.differences.push(format!("the protocol file {declared}, but {actual}"));
    }

    fn ask_speaks_first(&mut self, server: &mut Server) {
        if !is_asked(server, Capabilities::STREAM) {
            return;
        }
        if server.spec().protocol().speaks_first() {
            return self.learn_who_begins(true, true);
        }
        let quiet = server.deadlines().quiet();
        let speaks = server.connect().and_then(|mut client| {
            // A server that closes a silent connection does not speak.
            Ok(client.is_answered_within(quiet)?
                && !(client.receive_replies(quiet).is_ok() && client.has_ended()))
        });
        if let Ok(speaks) = speaks {
            self.learn_who_begins(speaks, false);
        }
    }

    fn learn_who_begins(&mut self, server_speaks: bool, has_greeting: bool) {
        self.rehearsal.speaks_first = Some(server_speaks);
        if server_speaks && !has_greeting {
            self.differs("has no `greeting`", "the server sends something before it has read anything");
        }
    }

    fn ask_keep_alive(&mut self, server: &mut Server) {
        if !is_asked(server, Capabilities::STREAM) {
            return;
        }
        let protocol = server.spec().protocol().clone();
        if protocol.allows_several_exchanges() == Some(false) {
            let closes = closes_after_reply(server).ok();
            self.rehearsal.keep_alive = closes.map(|closes| !closes);
            if closes == Some(false) && protocol.declared_properties().keep_alive == Some(false) {
                self.differs("declares `keep_alive = false`", "the connection stays open after a reply");
            }
            return;
        }
        let lacks = Capabilities::STAYS_OPEN.union(Capabilities::PIPELINES).union(Capabilities::FILLABLE);
        let declared = protocol.declared_properties().keep_alive == Some(true);
        let actual = match second_request(server) {
            Second::Answered => {
                self.rehearsal.keep_alive = Some(true);
                return;
            }
            Second::Closed => "the server closes the connection after one reply",
            Second::Unanswered => "the server does not answer a second request on a connection",
        };
        self.rehearsal.keep_alive = Some(false);
        self.lack(lacks, actual);
        if declared {
            self.differs("declares `keep_alive = true`", actual);
        }
    }

    fn ask_pipelining(&mut self, server: &mut Server) {
        let protocol = server.spec().protocol().clone();
        let is_open = self.rehearsal.keep_alive == Some(true);
        if !is_open || protocol.never_answers() || !is_asked(server, Capabilities::PIPELINES) {
            return;
        }
        let both = |server: &mut Server| -> check::Result {
            let mut client = server.connect()?;
            client.send_together(&[b"first", b"second"])?;
            client.expect(b"firstsecond")
        };
        let answered = both(server).is_ok();
        self.rehearsal.pipelining = Some(answered);
        if answered {
            return;
        }
        let actual = "the server does not answer two requests that arrive together";
        self.lack(Capabilities::PIPELINES.union(Capabilities::FILLABLE), actual);
        if protocol.declared_properties().pipelining == Some(true) {
            self.differs("declares `pipelining = true`", actual);
        }
    }

    fn ask_half_close(&mut self, server: &mut Server) {
        if !is_asked(server, Capabilities::HALF_CLOSE.union(Capabilities::STREAM)) {
            return;
        }
        let honoured = honours_half_close(server).unwrap_or(false);
        self.rehearsal.half_close = Some(honoured);
        if honoured {
            return;
        }
        let actual = "the server does not answer, or does not close, once its client has shut down its side";
        self.lack(Capabilities::HALF_CLOSE, actual);
        if server.spec().protocol().declared_properties().half_close == Some(true) {
            self.differs("declares `half_close = true`", actual);
        }
    }

    /// Finds out whether the server answers clients from other loopback addresses. Some servers, such as Redis in
    /// protected mode, serve only the usual loopback address.
    fn ask_other_sources(&mut self, server: &mut Server) {
        let other = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
        if !is_asked(server, Capabilities::SOURCE_ADDRESS) || missing_loopback_address(&[other]).is_some() {
            return;
        }
        let options = ConnectOptions { source: Some(SocketAddr::new(other, 0)), ..ConnectOptions::default() };
        let served = server.connect_with(&options).and_then(|mut client| client.exchange(b"from elsewhere"));
        self.rehearsal.other_sources = Some(served.is_ok());
        if served.is_err() {
            self.lack(Capabilities::SOURCE_ADDRESS, format!("the server refuses clients from {other}"));
        }
    }

    /// Records, without asking the server, whether a client that does not read can stall it. A server that answers one
    /// request at a time, and sends no long reply, cannot be stalled.
    fn ask_stalls(&mut self, server: &mut Server) {
        let one_at_a_time = self.lacks.iter().any(|lack| lack.capabilities.contains(Capabilities::PIPELINES));
        if one_at_a_time && !server.spec().protocol().has_long_reply() {
            let reason = "the server answers one request at a time, and the protocol has no exchange with a long \
                          reply: `[long]` in its file, for http `--set long_path=PATH`";
            self.lack(Capabilities::STALLS, reason);
        }
    }
}

fn is_asked(server: &Server, question: Capabilities) -> bool {
    server.spec().capabilities().contains(question)
}
