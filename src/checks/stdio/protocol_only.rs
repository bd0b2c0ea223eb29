//! Checks that standard output carries messages and nothing else.

use crate::check::{self, Finding};
use crate::checks::Check;
use crate::checks::conversation::ON_STDIO;
use crate::checks::steps::check_launched_with;
use crate::outcome::{Level::Must, Outcome};
use crate::protocol::{Stray, Tolerance};
use crate::server::{LaunchOptions, Server, Stdio};
use crate::text::excerpt;
use crate::transport::{Capabilities, Client};

pub const CHECK: Check = Check {
    id: "stdio/protocol-only",
    level: Must,
    sentence: "standard output carries messages of the protocol and nothing else, from the start to the exit",
    why: "a client takes a banner, a log line, a progress bar or a colour on standard output for a message, and ends the session or loses the answer",
    citations: &[
        "MCP 2025-06-18, Transports, stdio (\"The server MUST NOT write anything to its stdout that is not a valid MCP message\")",
        "LSP 3.17, Base Protocol",
        "JSON Lines (a byte order mark and blank lines are no JSON; CR before LF is white space)",
        "stdout(3)",
        "isatty(3)",
    ],
    recipe: "start the server without TERM; send each request of the protocol, requests that it must refuse, half a JSON text as a message, and (except on a terminal) end of input; look for bytes that are no message in all that it has written; do the same with TERM=xterm-256color and a terminal as standard error",
    requires: ON_STDIO,
    run,
};

fn run(server: &mut Server) -> check::Result {
    let with = |server: &Server, term: Option<&str>, stderr| LaunchOptions {
        environment: vec![("TERM".into(), term.map(Into::into))],
        stdio: [Stdio::Piped, Stdio::Piped, stderr],
        ..server.options()
    };
    let plain = with(server, None, Stdio::Piped);
    let plain = check_launched_with(server, plain, "without TERM", expect_only_messages);
    if plain.as_ref().is_err_and(|finding| finding.outcome != Outcome::Info) {
        return plain;
    }
    let terminal = with(server, Some("xterm-256color"), Stdio::Terminal);
    let when = "with TERM=xterm-256color and a terminal as standard error";
    check_launched_with(server, terminal, when, expect_only_messages).and(plain)
}

fn expect_only_messages(server: &mut Server) -> check::Result {
    let mut client = server.connect()?.with_tolerance(Tolerance::Anything);
    client.record();
    let spoken = ask_everything(server, &mut client);
    if spoken.is_ok() {
        ask_badly(server, &mut client);
    }
    match server.spec().protocol().find_stray(client.recorded(), false) {
        Some(stray) => Err(stray_bytes(&stray)),
        None => spoken.and_then(|()| tell_line_ends(server, &client)),
    }
}

/// Tells of a server that ends lines with CR and LF. That is white space of JSON, which JSON Lines and MCP allow.
fn tell_line_ends(server: &Server, client: &Client) -> check::Result {
    let Some(line) = server.spec().protocol().find_carriage_return(client.recorded()) else { return Ok(()) };
    let actual = format!("{}, at byte {}: {}", line.what, line.offset, excerpt(&line.bytes));
    Err(Finding::info("lines that end with LF", actual)
        .because("CR is white space of JSON (RFC 8259), so each line is still a message"))
}

fn stray_bytes(stray: &Stray) -> Finding {
    let actual = format!("{}, at byte {}: {}", stray.what, stray.offset, excerpt(&stray.bytes));
    Finding::fail("only messages on standard output", actual)
}

/// Exchanges a message of each turn of the protocol.
fn ask_everything(server: &Server, client: &mut Client) -> check::Result {
    for turn in 0..server.spec().protocol().turns().len() {
        client.queue_request(turn, b"asked")?;
        client.send_rest()?;
        client.expect(b"asked")?;
    }
    Ok(())
}

/// Sends requests that the server must refuse, and ends its input if the transport can do that. Whether it answers, and
/// survives, is the subject of other checks.
fn ask_badly(server: &Server, client: &mut Client) {
    let (protocol, quiet) = (server.spec().protocol(), server.deadlines().quiet());
    for turn in protocol.refused() {
        drop(client.ask(turn));
    }
    if protocol.is_json() {
        drop(client.send_raw(&protocol.wrap_json(b"{\"echospec\":")));
    }
    drop(client.receive_all_sent(quiet));
    if server.spec().capabilities().contains(Capabilities::END_OF_INPUT) {
        drop(client.shut_down_write());
        // A server that lives on is the subject of stdio/ends-at-eof.
        drop(client.receive_all_sent(server.deadlines().reply()));
    }
}
