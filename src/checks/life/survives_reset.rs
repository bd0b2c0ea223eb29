//! Checks that one client's reset does not end the service for others.

use crate::check;
use crate::checks::Check;
use crate::outcome::Level::Must;
use crate::payload::KIB;
use crate::server::Server;
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "life/survives-reset",
    level: Must,
    sentence: "a client that resets its connection, or closes it without reading, does not end the server",
    why: "if ECONNRESET, EPIPE or SIGPIPE ends the server, any client can stop the service for all",
    citations: &["RFC 9293 §3.5.3", "write(2) (EPIPE)", "signal(7) (SIGPIPE)"],
    recipe: "10 times: connect, exchange a message, send 160 KiB without reading, then reset or close; 5 more times with the server stopped until 96 KiB and the client's close have arrived; the same with 20 short requests at once; exchange a message with a new client",
    requires: Capabilities::STREAM.union(Capabilities::CONNECTIONS).union(Capabilities::MANY_CLIENTS),
    run,
};

fn run(server: &mut Server) -> check::Result {
    let bytes = server.payload(160 * KIB);
    for round in 0..10 {
        let mut client = server.connect_ready()?;
        client.fill_until_blocked(&bytes)?;
        if round % 2 == 0 { client.reset()? } else { drop(client) }
    }
    expect_service(server, "after clients that did not read to the end")?;
    if server.spec().capabilities().contains(Capabilities::TCP) {
        close_unread(server)?;
        expect_service(server, "after clients that closed while the server was writing to them")?;
    }
    if server.spec().capabilities().contains(Capabilities::TCP.union(Capabilities::PIPELINES)) {
        close_before_short_replies(server)?;
        expect_service(server, "after clients that sent 20 requests at once and closed")?;
    }
    Ok(())
}

fn expect_service(server: &mut Server, when: &str) -> check::Result {
    server.connect_and_exchange().map(drop).map_err(|finding| finding.because(when))
}

/// Closes a client's connection with unread bytes, which causes EPIPE, and with it SIGPIPE, in the server.
///
/// The client's kernel answers the server's first write after the close with a reset, and only the next write fails. So
/// the server must have more to read than one read(2) returns, and the client's FIN must arrive before it reads any of
/// it. The bytes must also fit into the initial receive window.
fn close_unread(server: &mut Server) -> check::Result {
    let bytes = server.payload(96 * KIB);
    for _ in 0..5 {
        let mut client = server.connect_ready()?;
        server.freeze_if_launched()?;
        client.fill_until_blocked(&bytes)?;
        client.shut_down_write()?;
        client.await_delivery()?;
        drop(client);
        server.thaw()?;
    }
    Ok(())
}

/// Closes a client's connection behind several requests that one read(2) returns. The server then writes several replies
/// without a read between them, and the second write causes EPIPE.
fn close_before_short_replies(server: &mut Server) -> check::Result {
    for _ in 0..5 {
        let mut client = server.connect_ready()?;
        server.freeze_if_launched()?;
        client.send_together(&[&b"short"[..]; 20])?;
        client.shut_down_write()?;
        client.await_delivery()?;
        drop(client);
        server.thaw()?;
    }
    Ok(())
}
