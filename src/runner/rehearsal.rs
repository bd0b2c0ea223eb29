//! The rehearsal: one dialogue with a fresh server before any check.
//!
//! It shows whether the server speaks its protocol at all, so that a run against the wrong protocol ends at once
//! instead of failing every check. Then it finds out what the server can be asked: whether a connection stays open,
//! whether two requests at once are answered, whether a request is answered after its sender's end of file. The
//! rehearsal can make a check *unsupported*; it never makes one pass.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::check;
use crate::server::{Lack, LaunchError, Server};
use crate::text::excerpt;
use crate::transport::{Capabilities, Client, ConnectOptions, missing_loopback_address};

/// A line for a server that may be an echo server. Some servers answer only at the end of a line.
const LINE: &[u8] = b"a plain line\n";

/// The number of times that the rehearsal waits for a server that is still at work.
const WAITS: usize = 5;

/// Speaks the server's protocol with the server before any check. Returns what the server lacks.
///
/// # Errors
/// [`LaunchError::Rehearsal`] if the server does not speak the protocol.
pub(super) fn rehearse(server: &mut Server) -> Result<Vec<Lack>, LaunchError> {
    if server.spec().protocol().is_identity() {
        return Ok(Vec::new());
    }
    speaks(server)?;
    let mut lacks = Vec::new();
    for question in [stays_open, pipelines, honours_half_close, serves_other_sources] {
        lacks.extend(question(server));
    }
    Ok(lacks)
}

fn speaks(server: &mut Server) -> Result<(), LaunchError> {
    let name = server.spec().protocol().name().to_owned();
    let spoken = server.connect().and_then(|mut client| client.exchange(b"rehearsal"));
    spoken.map_err(|finding| {
        let hint = likely_protocol(finding.actual.as_bytes()).filter(|other| *other != name);
        let hint = hint.map(|other| format!("\n  help      try --protocol {other}")).unwrap_or_default();
        LaunchError::Rehearsal(format!(
            "the server does not speak the protocol {name}\n  expected  {}\n  actual    {}{hint}",
            indented(&finding.expected),
            indented(&finding.actual)
        ))
    })
}

fn indented(text: &str) -> String {
    text.replace('\n', "\n            ")
}

fn stays_open(server: &mut Server) -> Option<Lack> {
    let lacks = Capabilities::STAYS_OPEN.union(Capabilities::PIPELINES).union(Capabilities::FILLABLE);
    if !is_asked(server, Capabilities::STAYS_OPEN.union(Capabilities::STREAM)) {
        return None;
    }
    let quiet = server.deadlines().quiet();
    let twice = |server: &mut Server| -> check::Result<bool> {
        let mut client = server.connect_and_exchange()?;
        Ok(!client.readable_within(quiet)? && client.exchange(b"again").is_ok())
    };
    let reason = "the server closes the connection after one reply";
    (!twice(server).unwrap_or(false)).then(|| Lack::new(lacks, reason))
}

fn pipelines(server: &mut Server) -> Option<Lack> {
    let lacks = Capabilities::PIPELINES.union(Capabilities::FILLABLE);
    if !is_asked(server, Capabilities::PIPELINES.union(Capabilities::STREAM)) {
        return None;
    }
    let both = |server: &mut Server| -> check::Result {
        let mut client = server.connect()?;
        client.send_together(&[b"first", b"second"])?;
        client.expect(b"firstsecond")
    };
    both(server)
        .err()
        .map(|_| Lack::new(lacks, "the server does not answer two requests that arrive together"))
}

fn honours_half_close(server: &mut Server) -> Option<Lack> {
    if !is_asked(server, Capabilities::HALF_CLOSE.union(Capabilities::STREAM)) {
        return None;
    }
    let reply = server.deadlines().reply();
    let answered = |server: &mut Server| -> check::Result<bool> {
        let mut client = server.connect()?;
        client.send(b"half-closed")?;
        client.shut_down_write()?;
        if !client.readable_within(reply)? {
            return Ok(false);
        }
        client.expect(b"half-closed")?;
        Ok(client.readable_within(reply)? && client.expect_eof().is_ok())
    };
    let reason = "the server does not answer, or does not close, once its client has shut down its side";
    (!answered(server).unwrap_or(false)).then(|| Lack::new(Capabilities::HALF_CLOSE, reason))
}

/// Returns whether the server answers clients from other loopback addresses. Some servers, such as Redis in protected
/// mode, serve only the usual loopback address.
fn serves_other_sources(server: &mut Server) -> Option<Lack> {
    let other = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
    if !is_asked(server, Capabilities::SOURCE_ADDRESS) || missing_loopback_address(&[other]).is_some() {
        return None;
    }
    let options = ConnectOptions { source: Some(SocketAddr::new(other, 0)), ..ConnectOptions::default() };
    let served = server.connect_with(&options).and_then(|mut client| client.exchange(b"from elsewhere"));
    let reason = format!("the server refuses clients from {other}");
    served.err().map(|_| Lack::new(Capabilities::SOURCE_ADDRESS, reason))
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
        None => "name its protocol with --protocol (`echospec protocols` lists them), or describe one exchange with \
                 --send and --expect. Check it as an echo server all the same with --protocol echo"
            .to_owned(),
    };
    Err(LaunchError::Rehearsal(format!(
        "this is not an echo server: it was sent {} and {did}\n  help      {help}",
        excerpt(LINE)
    )))
}

/// Returns everything that a server sends to a client that sends one line and then ends its direction.
fn answer_to_line(server: &mut Server) -> check::Result<Vec<u8>> {
    let mut client = server.connect()?;
    client.send(LINE)?;
    let mut received = receive_until_idle(server, &mut client)?;
    if !looks_like_echo(&received) {
        client.shut_down_write()?;
        received.extend(receive_until_idle(server, &mut client)?);
    }
    Ok(received)
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
