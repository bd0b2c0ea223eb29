//! A connection can be over before it is accepted.

use crate::check;
use crate::checks::Check;
use crate::outcome::Level::Must;
use crate::server::Server;
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "life/survives-reset-before-accept",
    level: Must,
    says: "a client that resets its connection before the server has accepted it does not end the server",
    why: "accept(2) gives ECONNABORTED on BSD, and on Linux a socket whose peer has no name any more: a port scan is enough",
    cites: &["accept(2) (ECONNABORTED)", "getpeername(2) (ENOTCONN)", "RFC 9293 §3.5.3"],
    recipe: "6 times: stop the server, connect, send something every other time, reset (SO_LINGER 0), let the server go on, exchange with a new client",
    needs: Capabilities::TCP.union(Capabilities::MANY_CLIENTS),
    run,
};

fn run(server: &mut Server) -> check::Result {
    server.connect_and_exchange()?;
    for round in 0..6 {
        server.freeze()?;
        let mut client = server.connect()?;
        if round % 2 == 1 {
            client.send(b"and gone")?;
        }
        client.reset()?;
        server.thaw()?;
        server
            .connect_and_exchange()
            .map_err(|finding| finding.because("after a client that was gone before it was accepted"))?;
    }
    Ok(())
}
