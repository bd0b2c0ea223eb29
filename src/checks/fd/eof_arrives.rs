//! Checks that every copy of a write end is closed, so that end of file arrives.

use crate::check::{self, Finding};
use crate::checks::Check;
use crate::outcome::Level::Must;
use crate::server::Server;
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "fd/eof-arrives",
    level: Must,
    sentence: "a client that shuts down its write side receives end of file while another client stays connected",
    why: "the kernel sends FIN only when every copy of the descriptor is closed, so a copy left open in a parent, child or sibling prevents it",
    citations: &["close(2)", "fork(2)", "RFC 9293 §3.6"],
    recipe: "connect A and B, and exchange a message with each; shut down A's write side; expect end of file at A; exchange another message with B; if the server closes after one reply: connect A and B, and send half a request with each; send the rest with A, and expect the reply and end of file, as a client received that was alone",
    requires: Capabilities::CONNECTIONS.union(Capabilities::MANY_CLIENTS),
    run: beside_another,
};

pub const EOF_ENDS_IT: Check = Check {
    id: "fd/eof-ends-it",
    level: Must,
    sentence: "end of file on standard input ends the server: its standard output reaches end of file, and the process exits",
    why: "if the server or its child keeps a write end open, end of file never arrives, and the pipeline hangs",
    citations: &["pipe(7)", "fork(2)", "close(2)"],
    recipe: "send a line; close the server's standard input; expect the line, then end of file, then the exit of the process",
    requires: Capabilities::PIPES.union(Capabilities::ECHO),
    run: of_the_process,
};

fn beside_another(server: &mut Server) -> check::Result {
    let capabilities = server.spec().capabilities();
    let stream = capabilities.contains(Capabilities::STREAM);
    if stream && !capabilities.contains(Capabilities::STAYS_OPEN) {
        return after_its_reply(server);
    }
    match server.spec().why_missing(Capabilities::HALF_CLOSE.union(Capabilities::STAYS_OPEN)) {
        Some(reason) => Err(Finding::unsupported("", "").because(reason)),
        None => after_its_end(server),
    }
}

/// Checks a server that closes after its reply: the client must then receive end of file.
fn after_its_reply(server: &mut Server) -> check::Result {
    let mut alone = server.connect_and_exchange()?;
    let closes = alone.is_answered_within(server.deadlines().reply())? && alone.expect_eof().is_ok();
    let unsupported = |actual: &str| {
        Err(Finding::unsupported("end of file after a reply, and another client that is connected", actual))
    };
    if !closes {
        return unsupported("the server does not close after its reply");
    }
    let mut a = server.connect_and_hold()?;
    if !server.serves_concurrently()? {
        return unsupported("the server serves one client at a time");
    }
    let mut b = server.connect_and_hold()?;
    a.complete_request(&[])?;
    a.expect_eof().map_err(|finding| {
        finding
            .because("the server had closed a connection after its reply when no other client was connected")
    })?;
    b.complete_request(&[])
}

/// Checks a server that closes after its client: end of file must arrive after the client has shut down its write
/// side.
fn after_its_end(server: &mut Server) -> check::Result {
    let mut a = server.connect_and_exchange()?;
    // A server that serves one client at a time answers B only after A has gone.
    let b = if server.serves_concurrently()? { Some(server.connect_and_exchange()?) } else { None };
    a.finish()?;
    b.map_or(Ok(()), |mut b| b.exchange_unless_idle(b"still here").map(drop))
}

fn of_the_process(server: &mut Server) -> check::Result {
    let mut client = server.connect()?;
    // A filter may keep its output until end of file. The line ends in a newline, since a filter may add a missing one.
    client.send(b"the last words\n")?;
    client.shut_down_write()?;
    client.expect(b"the last words\n")?;
    client.expect_eof()?;
    let limit = server.deadlines().exit();
    match server.wait_for_exit(limit)? {
        Some(_) => Ok(()),
        None => {
            Err(Finding::timeout("the exit of the process", format!("alive after {} s", limit.as_secs_f64())))
        }
    }
}
