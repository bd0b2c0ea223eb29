//! Checks a request whose end arrives together with the client's end of file.

use crate::check;
use crate::checks::Check;
use crate::checks::requests::REQUESTS_OVER_STREAMS;
use crate::outcome::Level::Should;
use crate::server::Server;
use crate::transport::{Capabilities, Client};

pub const CHECK: Check = Check {
    id: "reply/with-fin",
    level: Should,
    sentence: "a request that arrives together with its client's end of file is answered",
    why: "a server that looks for end of file before it reads what came first loses the last request of a client such as `printf … | nc`",
    citations: &["RFC 9293 §3.6", "shutdown(2)", "poll(2) (POLLRDHUP)"],
    recipe: "connect, and exchange a message if the connection stays open; stop the server (SIGSTOP); send a request and shut down the write side; continue the server (SIGCONT); compare the reply; the same with a client that connects only while the server is stopped",
    requires: REQUESTS_OVER_STREAMS.union(Capabilities::HALF_CLOSE).union(Capabilities::LAUNCHED),
    run,
};

const CONTENT: usize = 32;

fn run(server: &mut Server) -> check::Result {
    let capabilities = server.spec().capabilities();
    let mut client = server.connect()?;
    if capabilities.contains(Capabilities::STAYS_OPEN) {
        client.exchange(b"before")?;
    } else {
        client.complete_opening()?;
    }
    server.freeze()?;
    send_and_end(server, client)?;
    let silent =
        Capabilities::SILENT_FIRST.union(Capabilities::MANY_CLIENTS).union(Capabilities::CONNECTIONS);
    if server.spec().protocol().opening_exchanges().is_empty() && capabilities.contains(silent) {
        server.freeze()?;
        let client = server.connect()?;
        send_and_end(server, client)?;
    }
    Ok(())
}

/// Sends a request together with end of file to the server, which is stopped, and then continues the server.
fn send_and_end(server: &mut Server, mut client: Client) -> check::Result {
    let content = server.payload(CONTENT);
    client.send(&content)?;
    client.shut_down_write()?;
    client.await_delivery()?;
    server.thaw()?;
    client.expect(&content).map_err(|finding| {
        finding.because("the request and its end of file arrived while the server was stopped")
    })
}
