//! Recognises a server that is no echo server, and guesses its protocol from what it answers.

use crate::check;
use crate::server::{LaunchError, Server};
use crate::text::excerpt;
use crate::transport::{Capabilities, Client};

/// The line that a client sends to find out whether a server is an echo server. Some servers answer only at the end of
/// a line.
const LINE: &[u8] = b"a plain line\n";

/// The number of times that the rehearsal waits for a server that is still at work.
const WAITS: usize = 5;

/// Decides whether a server of which nothing is known can be checked as an echo server. A broken echo server can: it
/// sends back some of what it was sent, or it crashes. A server that answers something else, or nothing at all, is
/// no echo server.
///
/// # Errors
/// [`LaunchError::Rehearsal`] with what the server did, and the protocol that it may speak.
pub(super) fn expect_echo_server(server: &mut Server) -> Result<(), LaunchError> {
    let needed = Capabilities::STREAM.union(Capabilities::CONNECTIONS).union(Capabilities::MANY_CLIENTS);
    if !server.spec().capabilities().contains(needed) {
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

/// Finds out whether the server sends something to a client that sends nothing.
fn speaks_unasked(server: &mut Server) -> bool {
    let quiet = server.deadlines().quiet();
    let received = server.connect().and_then(|mut client| client.receive_until_quiet(quiet));
    received.is_ok_and(|received| !received.is_empty())
}

/// Returns everything that a server sends to a client that sends one line and then ends its direction.
///
/// A server that says something and closes at once resets the connection, because the line is unread. The bytes
/// that it said count all the same.
fn answer_to_line(server: &mut Server) -> check::Result<Vec<u8>> {
    let mut client = server.connect()?;
    let mut received = Vec::new();
    let ended = send_line(server, &mut client, &mut received);
    received.extend(client.take_received());
    if received.is_empty() { ended.map(|()| received) } else { Ok(received) }
}

fn send_line(server: &Server, client: &mut Client, received: &mut Vec<u8>) -> check::Result {
    if let Err(finding) = client.send(LINE) {
        // Bytes that the server sent before it closed the connection can still be read.
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

/// Whether `received` can be the echo of the line, or a damaged echo. Any greeting may precede an echo that is on a
/// line of its own. An error message that quotes the line is no echo, because it begins as some other protocol does.
fn looks_like_echo(received: &[u8]) -> bool {
    let whole = received.split_inclusive(|&byte| byte == b'\n').any(|line| line == LINE);
    // Chance alone hardly brings three bytes in a row back.
    let piece = || LINE.windows(3).any(|piece| received.windows(3).any(|window| window == piece));
    whole || (likely_protocol(received).is_none() && piece())
}

/// Returns the built-in protocol that a server's first words suggest.
pub(super) fn likely_protocol(words: &[u8]) -> Option<&'static str> {
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
