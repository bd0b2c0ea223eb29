//! Checks the end of a conversation as the protocol has it.

use crate::check::{self, Finding};
use crate::checks::Check;
use crate::checks::conversation::{ON_STDIO, begin, expect_end};
use crate::outcome::Level::{Must, Should};
use crate::server::{Server, describe_exit};

pub const CHECK: Check = Check {
    id: "stdio/ends-at-goodbye",
    level: Must,
    sentence: "the protocol's own goodbye ends the server, with the status that the protocol demands",
    why: "a client that has said goodbye waits for the exit, and takes another status for a crash",
    citations: &[
        "LSP 3.17, Shutdown Request",
        "LSP 3.17, Exit Notification (\"The server should exit with success code 0 if the shutdown request has been received before\")",
    ],
    recipe: "exchange a message; send the requests of the goodbye, each after the reply to the one before, and leave the pipes open; wait for the exit of the server and its children; read its status",
    requires: ON_STDIO,
    run,
};

pub const SHORT: Check = Check {
    id: "stdio/status-after-short-goodbye",
    level: Should,
    sentence: "the last message of the goodbye ends the server also if those before it were not sent, with the status that the protocol names for that",
    why: "with status 0, a session that was broken off looks like one that ended in order",
    citations: &["LSP 3.17, Exit Notification (\"otherwise with error code 1\")"],
    recipe: "exchange a message; send the last message of the goodbye alone, and leave the pipes open; wait for the exit of the server and its children; read its status",
    requires: ON_STDIO,
    run: short,
};

fn run(server: &mut Server) -> check::Result {
    let protocol = server.spec().protocol().clone();
    if protocol.closing_exchange().is_empty() {
        return Err(Finding::unsupported("", "").because("the protocol has no goodbye"));
    }
    let mut client = begin(server)?;
    for turn in protocol.closing_exchange() {
        client.ask(turn).map_err(|finding| finding.because("in the goodbye"))?;
    }
    let status = expect_end(server, Some(&mut client), "the goodbye")?;
    match protocol.goodbye_status() {
        Some(wanted) if status.code() != Some(wanted.into()) => {
            Err(Finding::fail(format!("status {wanted} after the goodbye"), describe_exit(status)))
        }
        _ => Ok(()),
    }
}

fn short(server: &mut Server) -> check::Result {
    let protocol = server.spec().protocol().clone();
    let (Some(status), Some(last)) = (protocol.short_goodbye_status(), protocol.closing_exchange().last())
    else {
        let reason = "the protocol does not say with which status a server exits after a part of its goodbye";
        return Err(Finding::unsupported("", "").because(reason));
    };
    let mut client = begin(server)?;
    client.ask(last)?;
    let ended = expect_end(server, Some(&mut client), "the last message of the goodbye alone")?;
    if ended.code() == Some(status.into()) {
        return Ok(());
    }
    let wanted = format!("status {status} after the last message of the goodbye alone");
    Err(Finding::fail(wanted, describe_exit(ended)))
}
