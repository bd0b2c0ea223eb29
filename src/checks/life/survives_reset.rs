//! Checks that one client's reset does not end the service for others.

use crate::check::{self, Finding};
use crate::checks::Check;
use crate::outcome::{Level::Must, Outcome};
use crate::payload::KIB;
use crate::server::{Server, Start};
use crate::transport::{Capabilities, Client};

pub const CHECK: Check = Check {
    id: "life/survives-reset",
    level: Must,
    sentence: "a client that resets its connection, or closes it without reading, neither ends the server nor spoils the next client's reply",
    why: "if ECONNRESET, EPIPE or SIGPIPE ends the server, any client can stop the service for all",
    citations: &["RFC 9293 §3.5.3", "write(2) (EPIPE)", "signal(7) (SIGPIPE)"],
    recipe: "10 times: connect, exchange a message, send 160 KiB without reading, then reset or close; 6 more times with the server stopped until 96 KiB, the client's FIN, and every second time its reset have arrived; the same with 20 short requests at once; exchange a message with a new client",
    requires: Capabilities::STREAM.union(Capabilities::CONNECTIONS).union(Capabilities::MANY_CLIENTS),
    run,
};

fn run(server: &mut Server) -> check::Result {
    let bytes = server.payload(160 * KIB);
    for round in 0..10 {
        let mut client = serve_next(server, UNREAD)?;
        client.fill_until_blocked(&bytes)?;
        if round % 2 == 0 { client.reset()? } else { drop(client) }
    }
    expect_service(server, UNREAD)?;
    let capabilities = server.spec().capabilities();
    if capabilities.intersects(WAIT_AT_STOPPED) {
        close_unread(server)?;
        expect_service(server, CLOSED)?;
    }
    if capabilities.intersects(WAIT_AT_STOPPED) && capabilities.contains(Capabilities::PIPELINES) {
        close_before_short_replies(server)?;
        expect_service(server, SHORT)?;
    }
    Ok(())
}

/// Transports whose kernel holds bytes, and the end of their connection, for a stopped server.
const WAIT_AT_STOPPED: Capabilities = Capabilities::TCP.union(Capabilities::SOCKET_PATH);

fn expect_service(server: &mut Server, when: &str) -> check::Result {
    server.connect_and_exchange().map(drop).map_err(|finding| explain(server, finding, when))
}

/// Connects the next client that is to leave.
fn serve_next(server: &mut Server, when: &str) -> check::Result<Client> {
    server.connect_ready().map_err(|finding| explain(server, finding, when))
}

/// Says of a server that has not ended how it treats the client that comes `when` others have left.
fn explain(server: &mut Server, finding: Finding, when: &str) -> Finding {
    let finding = server.diagnose(finding.because(when));
    match finding.outcome {
        Outcome::Fail => {
            let expected = format!("the next client's reply: {}", finding.expected);
            Finding { expected, ..finding }
                .because("the server runs on, and the next client does not get its own reply: something of a client that has left is still in use, such as its buffer, or its descriptor is closed twice")
                .harms(SPOILS)
        }
        Outcome::Timeout => finding.because("the server runs on, and does not answer the next client"),
        _ => finding,
    }
}

const SPOILS: &str = "if bytes of a client that has left stay in a buffer, or its descriptor is closed again when another client has it, the next client gets a wrong reply or loses its connection";

const UNREAD: &str = "after clients that did not read to the end";

const CLOSED: &str = "after clients that closed while the server was writing to them";

const SHORT: &str = "after clients that sent 20 requests at once and closed";

/// Ends a client's connection while the server has more to read than one read(2) returns. Its writes then fail, with
/// SIGPIPE.
fn close_unread(server: &mut Server) -> check::Result {
    // The bytes fit into the initial receive window.
    let bytes = server.payload(96 * KIB);
    close_while_frozen(server, CLOSED, |client| client.fill_until_blocked(&bytes).map(drop))
}

/// Ends a client's connection behind several requests that one read(2) returns. The server then writes several replies
/// without a read between them.
fn close_before_short_replies(server: &mut Server) -> check::Result {
    close_while_frozen(server, SHORT, |client| client.send_together(&[&b"short"[..]; 20]))
}

/// Connects clients that send, shut down their side, and end while the server is frozen, so that it meets a connection
/// with bytes to read and no reader.
///
/// Every second client resets: then the server's first write(2) fails with EPIPE. The others close: over TCP the client's
/// kernel answers the first write with a reset, and the next write fails, if the reset comes in time. Over a Unix domain
/// socket a reset is a close, and the first write fails.
fn close_while_frozen(
    server: &mut Server,
    when: &str,
    send: impl Fn(&mut Client) -> check::Result,
) -> check::Result {
    let only_greets = server.spec().protocol().only_greets();
    for round in 0..6 {
        let mut client = if only_greets && server.spec().start() == Start::Bind {
            // The greeting is the only write of such a server, so its client is gone before the server accepts.
            server.freeze_if_launched()?;
            server.connect()?
        } else {
            let mut client = serve_next(server, when)?;
            // A frozen server sends no greeting, and the client sends no request before it.
            client.complete_opening()?;
            server.freeze_if_launched()?;
            client
        };
        if !only_greets {
            send(&mut client)?;
        }
        client.shut_down_write()?;
        client.await_delivery()?;
        if round % 2 == 0 {
            drop(client);
        } else {
            client.reset_and_await_arrival()?;
        }
        server.thaw()?;
    }
    Ok(())
}
