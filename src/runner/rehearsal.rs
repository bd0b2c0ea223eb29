//! The rehearsal: one dialogue with a fresh server before any check.
//!
//! It shows whether the server speaks its protocol at all, so that a run against the wrong protocol ends at once
//! instead of failing every check. Then it finds out what the server can be asked: whether a connection stays open,
//! whether two requests at once are answered, whether a request is answered after its sender's end of file. The
//! rehearsal can make a check *unsupported*; it never makes one pass.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::questions::{Second, closes_after_reply, does_everything, honours_half_close, second_request};
use crate::check;
use crate::outcome::Outcome;
use crate::protocol::Tolerance;
use crate::server::{LaunchError, MissingCapabilities, Rehearsal, Server};
use crate::text::excerpt;
use crate::transport::{Capabilities, Client, ConnectOptions, missing_loopback_address};

/// A line for a server that may be an echo server. Some servers answer only at the end of a line.
const LINE: &[u8] = b"a plain line\n";

/// The number of times that the rehearsal waits for a server that is still at work.
const WAITS: usize = 5;

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
    if let Some(lack) = speaks(server)? {
        server.learn(lack.clone());
        found.lacks.push(lack);
    }
    if is_asked(server, Capabilities::STDIO) && does_everything(server).is_ok() {
        found.rehearsal = Rehearsal {
            speaks_first: Some(false),
            keep_alive: Some(true),
            pipelining: Some(true),
            half_close: Some(true),
            ..found.rehearsal
        };
        return Ok(Some((found.rehearsal, found.lacks)));
    }
    for question in [
        Found::ask_speaks_first,
        Found::ask_keep_alive,
        Found::ask_pipelining,
        Found::ask_half_close,
        Found::ask_other_sources,
        Found::ask_stalls,
    ] {
        question(&mut found, server);
    }
    Ok(Some((found.rehearsal, found.lacks)))
}

/// Exchanges one message. Returns what the server lacks if it writes what is no message.
fn speaks(server: &mut Server) -> Result<Option<MissingCapabilities>, LaunchError> {
    let name = server.spec().protocol().name().to_owned();
    let spoken = server.connect().and_then(|client| {
        let mut client = client.tolerating(Tolerance::Strays);
        client.exchange(b"rehearsal")?;
        Ok(client.strays().to_vec())
    });
    let finding = match spoken {
        Ok(strays) if strays.is_empty() => return Ok(None),
        Ok(strays) => {
            let reason =
                format!("the server writes to standard output what is no message: {}", excerpt(&strays));
            return Ok(Some(MissingCapabilities::new(Capabilities::CLEAN_OUTPUT, reason)));
        }
        Err(finding) => finding,
    };
    // This system does not show whether the server has read what it does not answer.
    if finding.outcome == Outcome::Unsupported {
        return Ok(None);
    }
    let hint = likely_protocol(finding.actual.as_bytes()).filter(|other| *other != name);
    let hint = hint.map(|other| format!("\n  help      try --protocol {other}")).unwrap_or_default();
    Err(LaunchError::Rehearsal(format!(
        "the server does not speak the protocol {name}\n  expected  {}\n  actual    {}{hint}",
        indented(&finding.expected),
        indented(&finding.actual)
    )))
}

fn indented(text: &str) -> String {
    text.replace('\n', "\n            ")
}

/// The answers to the questions of a rehearsal so far.
#[derive(Default)]
struct Found {
    rehearsal: Rehearsal,
    lacks: Vec<MissingCapabilities>,
}

impl Found {
    fn lack(&mut self, capabilities: Capabilities, reason: impl Into<String>) {
        self.lacks.push(MissingCapabilities::new(capabilities, reason));
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
            self.rehearsal.speaks_first = Some(true);
            return;
        }
        let quiet = server.deadlines().quiet();
        let speaks = server.connect().and_then(|mut client| client.readable_within(quiet));
        self.rehearsal.speaks_first = speaks.ok();
        if self.rehearsal.speaks_first == Some(true) {
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

    /// Asks nothing: a server that answers one request at a time, and none of them at length, never has to wait for a
    /// client that does not read.
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

/// Decides whether a server of which nothing is known can be checked as an echo server. A broken echo server can: it
/// sends back some of what it was sent, or it crashes. A server that answers something else, or nothing at all, is
/// no echo server.
///
/// # Errors
/// [`LaunchError::Rehearsal`] with what the server did, and the protocol that it may speak.
pub(super) fn expect_echo_server(server: &mut Server) -> Result<(), LaunchError> {
    if !is_asked(
        server,
        Capabilities::STREAM.union(Capabilities::CONNECTIONS).union(Capabilities::MANY_CLIENTS),
    ) {
        return Ok(());
    }
    let Ok(received) = answer_to_line(server) else { return Ok(()) };
    if looks_like_echo(&received) || server.expect_alive().is_err() {
        return Ok(());
    }
    let did = if received.is_empty() {
        "sent nothing back".to_owned()
    } else {
        format!("answered {}", excerpt(&received))
    };
    let help = match likely_protocol(&received) {
        Some(name) => format!("try --protocol {name}"),
        None if !received.is_empty() && speaks_unasked(server) => "the server speaks first: try --protocol daytime if it then closes the \
             connection, or write its greeting into a protocol file (`echospec explain protocol`)"
            .to_owned(),
        None => "name its protocol with --protocol (`echospec protocols` lists them), or describe one exchange with \
                 --send and --expect. Check it as an echo server all the same with --protocol echo"
            .to_owned(),
    };
    Err(LaunchError::Rehearsal(format!(
        "this is not an echo server: it was sent {} and {did}\n  help      {help}",
        excerpt(LINE)
    )))
}

/// Whether the server sends something to a client that sends nothing.
fn speaks_unasked(server: &mut Server) -> bool {
    let quiet = server.deadlines().quiet();
    let received = server.connect().and_then(|mut client| client.receive_until_quiet(quiet));
    received.is_ok_and(|received| !received.is_empty())
}

/// Returns everything that a server sends to a client that sends one line and then ends its direction.
///
/// A server that says something and closes at once resets the connection, because the line is unread. What it said
/// counts all the same.
fn answer_to_line(server: &mut Server) -> check::Result<Vec<u8>> {
    let mut client = server.connect()?;
    let mut received = Vec::new();
    let ended = send_line(server, &mut client, &mut received);
    received.extend(client.take_received());
    if received.is_empty() { ended.map(|()| received) } else { Ok(received) }
}

fn send_line(server: &Server, client: &mut Client, received: &mut Vec<u8>) -> check::Result {
    if let Err(finding) = client.send(LINE) {
        // What the server said before it closed the connection can still be read.
        let _ = receive_until_idle(server, client).map(|bytes| received.extend(bytes));
        return Err(finding);
    }
    received.extend(receive_until_idle(server, client)?);
    if !looks_like_echo(received) {
        client.shut_down_write()?;
        received.extend(receive_until_idle(server, client)?);
    }
    Ok(())
}

fn receive_until_idle(server: &Server, client: &mut Client) -> check::Result<Vec<u8>> {
    let deadlines = server.deadlines();
    let mut received = Vec::new();
    for _ in 0..WAITS {
        received.extend(client.receive_until_quiet(deadlines.quiet())?);
        if !received.is_empty() || client.has_ended() {
            break;
        }
        if server.cpu_use(deadlines.quiet()).is_ok_and(|cpu_use| !cpu_use.is_busy_loop()) {
            break;
        }
    }
    Ok(received)
}

/// Whether `received` can be the echo of the line, or a damaged one. A line of its own is an echo, whatever greeting
/// precedes it. An error message that quotes the line is none: it begins as some other protocol does.
fn looks_like_echo(received: &[u8]) -> bool {
    let whole = received.split_inclusive(|&byte| byte == b'\n').any(|line| line == LINE);
    // Chance alone hardly brings three bytes in a row back.
    let piece = || LINE.windows(3).any(|piece| received.windows(3).any(|window| window == piece));
    whole || (likely_protocol(received).is_none() && piece())
}

/// Returns the built-in protocol that a server's first words suggest.
fn likely_protocol(words: &[u8]) -> Option<&'static str> {
    const SIGNS: &[(&[u8], &str)] = &[
        (b"HTTP/1.", "http"),
        (b"<!DOCTYPE", "http"),
        (b"<html", "http"),
        (b"-ERR", "redis"),
        (b"-DENIED", "redis"),
        (b"UNKNOWN_COMMAND", "beanstalkd"),
        (b"220 ", "smtp"),
        (b"220-", "smtp"),
        (b"ERROR\r\n", "memcached"),
    ];
    let holds = |sign: &[u8]| words.windows(sign.len()).any(|window| window == sign);
    SIGNS.iter().find(|(sign, _)| holds(sign)).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damaged_echo_is_an_echo_and_another_answer_is_not() {
        assert!(looks_like_echo(b"220 ready\r\na plain line\n"));
        assert!(looks_like_echo(b"lain line"));
        assert!(!looks_like_echo(b"-ERR unknown command 'a', with args beginning with: 'plain' 'line'\r\n"));
        assert!(!looks_like_echo(b"ERROR\r\n"));
        assert!(!looks_like_echo(b""));
    }

    #[test]
    fn first_words_suggest_a_protocol() {
        assert_eq!(likely_protocol(b"HTTP/1.1 400 Bad Request\r\n"), Some("http"));
        assert_eq!(likely_protocol(b"-ERR unknown command 'a'\r\n"), Some("redis"));
        assert_eq!(likely_protocol(b"220 mail.example ESMTP\r\n"), Some("smtp"));
        assert_eq!(likely_protocol(b"hello"), None);
    }
}
