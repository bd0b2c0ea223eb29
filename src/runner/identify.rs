//! Recognises a server that is no echo server.

use std::time::Duration;

use super::guess::Questions;
use super::pace::WAIT;
use crate::check;
use crate::protocol::protocol_of_words;
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
/// no echo server. Returns whether the answer came at once.
///
/// # Errors
/// [`LaunchError::Rehearsal`] with what the server did, and the protocol that it may speak.
pub(super) fn expect_echo_server(server: &mut Server) -> Result<bool, LaunchError> {
    let needed = Capabilities::STREAM.union(Capabilities::CONNECTIONS).union(Capabilities::MANY_CLIENTS);
    if !server.spec().capabilities().contains(needed) {
        return Ok(false);
    }
    let Ok(client) = server.connect() else { return Ok(false) };
    let answer = answer_to_line(server, client);
    if looks_like_echo(&answer.bytes) || server.expect_alive().is_err() {
        return Ok(answer.at_once);
    }
    let name = answer.protocol;
    let help = match name {
        Some(name) => format!("try --protocol {name}"),
        None if !answer.bytes.is_empty() && speaks_unasked(server) => {
            "the server speaks first: try --protocol daytime if it then closes the \
             connection, or write its greeting into a protocol file (`echospec explain protocol`)"
                .to_owned()
        }
        None => "name its protocol with --protocol (`echospec protocols` lists them), or describe one exchange with \
                 --send and --expect. Check it as an echo server all the same with --protocol echo"
            .to_owned(),
    };
    Err(LaunchError::Rehearsal(format!(
        "this is not an echo server: it was sent {} and {}\n  help      {help}",
        excerpt(LINE),
        answer.describe()
    )))
}

/// Finds out whether the server sends something to a client that sends nothing.
fn speaks_unasked(server: &mut Server) -> bool {
    let quiet = server.deadlines().quiet();
    let received = server.connect().and_then(|mut client| {
        client.is_answered_within(quiet)?;
        client.receive_until_quiet(quiet)
    });
    received.is_ok_and(|received| !received.is_empty())
}

/// The reaction of a server to a line from a client.
struct Answer {
    bytes: Vec<u8>,
    /// Whether the answer came at once.
    at_once: bool,
    /// Whether the server closed the connection although its client had not.
    closed: bool,
    /// The built-in protocol that the server may speak.
    protocol: Option<&'static str>,
}

impl Answer {
    fn describe(&self) -> String {
        match (self.bytes.is_empty(), self.closed) {
            (false, _) => format!("answered {}", excerpt(&self.bytes)),
            (true, true) => "closed the connection without an answer".to_owned(),
            (true, false) => "sent nothing back".to_owned(),
        }
    }
}

/// Returns everything that a server sends to a client that sends one line and then ends its direction. A server that
/// sends nothing is asked in other protocols at the same time.
///
/// A server that says something and closes at once resets the connection, because the line is unread. The bytes
/// that it said count all the same.
fn answer_to_line(server: &mut Server, mut client: Client) -> Answer {
    let sent = client.send(LINE);
    let at_once = sent.is_ok() && client.readable_within(WAIT).unwrap_or(false);
    let mut bytes = Vec::new();
    let received = receive_until_idle(server, &mut client, &mut bytes);
    let closed = sent.is_err() || received.is_err() || client.has_ended();
    let questions = bytes.is_empty().then(|| Questions::ask(server));
    if !closed && !looks_like_echo(&bytes) {
        // Bytes that came before an error are in `bytes`.
        let ended = client.shut_down_write();
        let _ = ended.and_then(|()| receive_until_idle(server, &mut client, &mut bytes));
    }
    let answered = questions.filter(|_| bytes.is_empty()).and_then(Questions::answered_protocol);
    let protocol = protocol_of_words(&bytes).or(answered);
    Answer { bytes, at_once, closed, protocol }
}

/// Receives until the server is silent, and is not at work either.
fn receive_until_idle(server: &Server, client: &mut Client, received: &mut Vec<u8>) -> check::Result {
    let deadlines = server.deadlines();
    let quiet = deadlines.quiet();
    // A passed listener is ready before the server is: it may still load its libraries.
    if server.spec().capabilities().contains(Capabilities::PASSED_LISTENER) && client.received() == 0 {
        client.readable_within(deadlines.start())?;
    }
    for _ in 0..WAITS {
        let window = server.begin_cpu_window();
        if client.is_answered_within(quiet)? {
            for wait in [Duration::ZERO, quiet] {
                // Nothing that follows a whole echo changes the decision.
                if has_whole_echo(received) {
                    break;
                }
                let bytes = client.receive_until_quiet(wait);
                received.extend(client.take_received());
                received.extend(bytes?);
            }
        }
        if !received.is_empty() || client.has_ended() {
            break;
        }
        let cpu_use = window.and_then(|window| server.cpu_use_since(&window));
        if cpu_use.is_ok_and(|cpu_use| !cpu_use.is_busy_loop()) {
            break;
        }
    }
    Ok(())
}

/// Whether `received` can be the echo of the line, or a damaged echo. Any greeting may precede an echo that is on a
/// line of its own. An error message that quotes the line is no echo, because it begins as some other protocol does.
fn looks_like_echo(received: &[u8]) -> bool {
    // Chance alone hardly brings three bytes in a row back.
    let piece = || LINE.windows(3).any(|piece| received.windows(3).any(|window| window == piece));
    has_whole_echo(received) || (protocol_of_words(received).is_none() && piece())
}

/// Whether one of the lines in `received` is the line that the client sent.
fn has_whole_echo(received: &[u8]) -> bool {
    received.split_inclusive(|&byte| byte == b'\n').any(|line| line == LINE)
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
}
