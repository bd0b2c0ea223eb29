//! One client's misfortune is not another's.

use crate::check;
use crate::checks::Check;
use crate::outcome::Level::Must;
use crate::payload::KIB;
use crate::server::Server;
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "life/survives-reset",
    level: Must,
    says: "a client that resets its connection, or closes it without reading, does not end the server",
    why: "ECONNRESET, EPIPE or SIGPIPE taken as fatal lets any client end the service for all",
    cites: &["RFC 9293 §3.5.3", "write(2) (EPIPE)", "signal(7) (SIGPIPE)"],
    recipe: "10 times: connect, exchange, send 160 KiB without reading, then reset or close; 5 times more with the server stopped until 96 KiB and the client's close have arrived; the next client is served",
    needs: Capabilities::STREAM.union(Capabilities::CONNECTIONS).union(Capabilities::MANY_CLIENTS),
    run,
};

fn run(server: &mut Server) -> check::Result {
    let bytes = server.payload(160 * KIB);
    for round in 0..10 {
        let mut client = server.connect()?;
        client.exchange(b"well")?;
        client.fill_until_blocked(&bytes)?;
        if round % 2 == 0 { client.reset()? } else { drop(client) }
    }
    served(server, "after clients that did not read to the end")?;
    if server.spec().offers().contains(Capabilities::TCP) {
        closes_unheard(server)?;
        served(server, "after clients that closed while their answers were being written")?;
    }
    Ok(())
}

fn served(server: &mut Server, when: &str) -> check::Result {
    server.connect_and_exchange().map(drop).map_err(|finding| finding.because(when))
}

/// Brings about EPIPE, and with it SIGPIPE: the first write after the client's end is answered by a reset,
/// and only the next fails. So more must wait for the server than one read takes, and the client's end must
/// have arrived before it reads any of it; yet not more than the receive window takes at first.
fn closes_unheard(server: &mut Server) -> check::Result {
    let bytes = server.payload(96 * KIB);
    for _ in 0..5 {
        let mut client = server.connect()?;
        client.exchange(b"well")?;
        server.freeze()?;
        client.fill_until_blocked(&bytes)?;
        client.shut_down_write()?;
        client.await_delivery()?;
        drop(client);
        server.thaw()?;
    }
    Ok(())
}
