//! Checks the end of a conversation as the protocol has it.

use crate::check::{self, Finding};
use crate::checks::Check;
use crate::checks::conversation::{ON_STDIO, begin, expect_end};
use crate::outcome::Level::Must;
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
