//! Checks a connection that is reset before the server accepts it.

use crate::check;
use crate::checks::Check;
use crate::outcome::Level::Must;
use crate::server::Server;
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "life/survives-reset-before-accept",
    level: Must,
    sentence: "a client that resets its connection before the server has accepted it does not end the server",
    why: "accept(2) fails with ECONNABORTED on BSD, and returns a socket on which getpeername(2) fails on Linux; a port scan is enough",
    citations: &["accept(2) (ECONNABORTED)", "getpeername(2) (ENOTCONN)", "RFC 9293 §3.5.3"],
    recipe: "6 times: stop the server; connect; every other time send a few bytes; reset (SO_LINGER 0); continue the server; exchange a message with a new client",
    requires: Capabilities::TCP.union(Capabilities::MANY_CLIENTS).union(Capabilities::LAUNCHED),
    run,
};

fn run(server: &mut Server) -> check::Result {
    server.connect_and_exchange()?;
    // A stopped server sends nothing, so a client that must wait for it sends nothing either.
    let sends = !server.spec().protocol().receives_before_requests();
    for round in 0..6 {
        server.freeze()?;
        let mut client = server.connect()?;
        if sends && round % 2 == 1 {
            client.send(b"and gone")?;
        }
        client.reset_and_await_arrival()?;
        server.thaw()?;
        server.connect_and_exchange().map_err(|finding| {
            finding.because("after a client that reset its connection before it was accepted")
        })?;
    }
    Ok(())
}
