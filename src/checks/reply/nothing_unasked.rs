//! Checks that the server sends nothing but replies.

use crate::check;
use crate::checks::Check;
use crate::checks::requests::REQUESTS_OVER_STREAMS;
use crate::outcome::Level::Must;
use crate::server::Server;
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "reply/nothing-unasked",
    level: Must,
    sentence: "the server sends its reply once, and nothing that no request asked for",
    why: "a prompt, a log line or a second reply on the connection is taken for the reply to the next request, and so is every reply after it",
    citations: &["RFC 9293 §3.7", "send(2)"],
    recipe: "connect, and wait in silence (not if the server greets); exchange a message; wait in silence; exchange another message if the connection stays open",
    requires: REQUESTS_OVER_STREAMS,
    run,
};

fn run(server: &mut Server) -> check::Result {
    let (capabilities, quiet) = (server.spec().capabilities(), server.deadlines().quiet());
    let mut client = server.connect()?;
    if capabilities.contains(Capabilities::SILENT_FIRST) {
        client.receive_all_sent(quiet).map_err(|finding| finding.because("before the first request"))?;
    }
    client.exchange(b"first")?;
    client.receive_all_sent(quiet).map_err(|finding| finding.because("after the reply"))?;
    // A server may close a connection that is idle (RFC 9112 §9.5).
    if capabilities.contains(Capabilities::STAYS_OPEN) && !client.has_ended() {
        client.exchange_unless_idle(b"second")?;
        server.leave_open(client);
    }
    Ok(())
}
