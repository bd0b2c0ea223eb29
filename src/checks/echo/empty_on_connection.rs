//! Reports how a server of connections that keep message boundaries treats an empty message.

use crate::check::{self, Finding};
use crate::checks::Check;
use crate::outcome::{Level::May, Outcome};
use crate::server::Server;
use crate::transport::{Capabilities, Client};

pub const CHECK: Check = Check {
    id: "echo/empty-message-on-connection",
    level: May,
    sentence: "an empty message on a connection is answered with an empty message, and the connection goes on",
    why: "recv(2) returns 0 for an empty message and for the end of the connection; a server that does not look again ends the conversation of a client that sends one",
    citations: &["RFC 862", "recv(2)", "unix(7) (SOCK_SEQPACKET)"],
    recipe: "exchange a message; send an empty message, and another one; expect both",
    requires: Capabilities::ECHO.union(Capabilities::MESSAGES).union(Capabilities::CONNECTIONS),
    run,
};

const AFTER: &[u8] = b"after the empty one";

fn run(server: &mut Server) -> check::Result {
    let mut client = server.connect_and_exchange()?;
    let sent = client.send(b"").and_then(|()| client.send(AFTER));
    // A server that has closed the connection lets the second message fail.
    let told = |actual: &str| Err(Finding::info("an empty message and the next one back", actual));
    match sent.and_then(|()| both(&mut client)) {
        Ok(Answer::Both) => Ok(()),
        Ok(Answer::NextAlone) => told("the next one alone: the server does not answer an empty message"),
        Ok(Answer::End) => told("the end of the connection: the server takes an empty message for it"),
        Err(finding) if finding.outcome == Outcome::Fail => {
            told("the end of the connection: the server takes an empty message for it")
        }
        Err(finding) => Err(finding),
    }
}

enum Answer {
    Both,
    NextAlone,
    End,
}

fn both(client: &mut Client) -> check::Result<Answer> {
    let silent = || Finding::timeout("an answer to one of two messages", "neither an answer nor the end");
    let first = client.receive()?.ok_or_else(silent)?;
    if first.bytes == AFTER {
        return Ok(Answer::NextAlone);
    }
    first.verify(b"")?;
    // An empty message and the end look alike here too, but nothing follows the end.
    let second = client.receive()?.ok_or_else(silent)?;
    Ok(if second.bytes == AFTER { Answer::Both } else { Answer::End })
}
