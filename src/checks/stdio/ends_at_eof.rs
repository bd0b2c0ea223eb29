//! Checks that the end of input ends the server.

use crate::check::{self, Finding};
use crate::checks::Check;
use crate::checks::conversation::{WITH_END_OF_INPUT, begin, expect_end};
use crate::outcome::Level::{Must, Should};
use crate::server::{Server, describe_exit};

pub const CHECK: Check = Check {
    id: "stdio/ends-at-eof",
    level: Must,
    sentence: "the end of its standard input ends the server and every process that it started, also while it waits for an answer of its client",
    why: "closing the pipe is how a client ends its server; a server that lives on uses memory, or a whole processor, until the machine is restarted",
    citations: &[
        "MCP 2025-06-18, Lifecycle, Shutdown, stdio (the client closes the server's input, and waits for the server to exit)",
        "LSP 3.17, Exit Notification",
        "pipe(7)",
        "read(2)",
    ],
    recipe: "exchange a message; close the server's standard input; wait for its exit and that of its children; if the server makes requests of its own, do it again without answering them. A server on a terminal is not asked: its input ends only together with its output",
    requires: WITH_END_OF_INPUT,
    run,
};

pub const STATUS: Check = Check {
    id: "stdio/status-at-eof",
    level: Should,
    sentence: "a server whose protocol has no goodbye exits with status 0 at the end of its input",
    why: "a launcher takes any other status for a crash: it reports an error, or starts the server again",
    citations: &["MCP 2025-06-18, Lifecycle, Shutdown, stdio", "exit(3)"],
    recipe: "exchange a message; close the server's standard input; read the exit status. A protocol with a goodbye is not asked: what a server's status is without it, LSP does not say",
    requires: WITH_END_OF_INPUT,
    run: status,
};

const AFTER: &str = "the end of its input";

fn run(server: &mut Server) -> check::Result {
    let mut client = begin(server)?;
    client.receive_all_sent(server.deadlines().quiet() / 3)?;
    let was_asked = client.was_asked();
    client.shut_down_write()?;
    expect_end(server, Some(&mut client), AFTER)?;
    if was_asked { while_it_waits(server) } else { Ok(()) }
}

/// Ends the input of a server that waits for an answer to a request of its own.
fn while_it_waits(server: &mut Server) -> check::Result {
    let mut client = server.connect()?.withholding_answers();
    client.complete_opening()?;
    let quiet = server.deadlines().quiet();
    client.receive_all_sent(quiet)?;
    client.shut_down_write()?;
    let ended = expect_end(server, Some(&mut client), AFTER);
    ended.map(drop).map_err(|finding| finding.because("a request of the server's own was not answered"))
}

fn status(server: &mut Server) -> check::Result {
    if !server.spec().protocol().closing_exchange().is_empty() {
        let reason = "the protocol does not say with which status a server exits that is given no goodbye";
        return Err(Finding::unsupported("", "").because(reason));
    }
    let mut client = begin(server)?;
    client.shut_down_write()?;
    match expect_end(server, Some(&mut client), AFTER) {
        Ok(status) if !status.success() => {
            Err(Finding::fail("status 0 at the end of input", describe_exit(status)))
        }
        // stdio/ends-at-eof reports a server that lives on.
        _ => Ok(()),
    }
}
