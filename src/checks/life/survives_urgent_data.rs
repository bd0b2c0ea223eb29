//! Checks that a byte of TCP urgent data does not end the server.

use crate::check;
use crate::checks::Check;
use crate::outcome::Level::Must;
use crate::server::Server;
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "life/survives-urgent-data",
    level: Must,
    sentence: "a byte of urgent data in the middle of a client's stream does not end the server",
    why: "if the server takes POLLPRI for an error, or has no case for it, any client can end the service with one byte",
    citations: &["RFC 9293 §3.8.5", "RFC 6093", "tcp(7) (SO_OOBINLINE)", "poll(2) (POLLPRI)"],
    recipe: "exchange a message; send a word, one byte with MSG_OOB, and another word; ignore what comes back; exchange a message with a new client",
    requires: Capabilities::TCP.union(Capabilities::MANY_CLIENTS),
    run,
};

fn run(server: &mut Server) -> check::Result {
    let mut client = server.connect_ready()?;
    client.send(b"before")?;
    client.send_urgent(b'!')?;
    // The echo of this client is not checked: splice(2) on Linux, for one, never moves past the urgent mark.
    let sent = client.send(b"after").and_then(|()| client.expect(b"before"));
    if sent.is_ok() {
        client.is_answered_within(server.deadlines().quiet())?;
    }
    drop(client);
    server.connect_and_exchange().map(drop).map_err(|finding| finding.because("after a byte of urgent data"))
}
