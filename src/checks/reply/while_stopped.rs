//! Checks requests that arrive while the server is stopped.

use crate::check;
use crate::checks::Check;
use crate::checks::requests::MANY_CLIENTS_OVER_STREAMS;
use crate::outcome::Level::Must;
use crate::server::Server;
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "reply/while-stopped",
    level: Must,
    sentence: "a request that arrives while the server is stopped is answered once the server continues",
    why: "a server that takes EINTR for a failure, or its own pause for a client's, drops requests when a debugger, a shell or a container runtime pauses it",
    citations: &[
        "signal(7) (Interruption of system calls and library functions by stop signals)",
        "accept(2)",
    ],
    recipe: "connect; stop the server (SIGSTOP); send a request; continue the server (SIGCONT); compare the reply; the same with a client that connects only while the server is stopped; 3 times",
    requires: MANY_CLIENTS_OVER_STREAMS.union(Capabilities::LAUNCHED),
    run,
};

const TIMES: usize = 3;

const CONTENT: usize = 32;

fn run(server: &mut Server) -> check::Result {
    // Nothing can be heard from a server that is stopped, so its greeting must come before.
    let capabilities = server.spec().capabilities();
    let connects_late = capabilities.contains(Capabilities::SILENT_FIRST)
        && server.spec().protocol().opening_exchanges().is_empty();
    for _ in 0..TIMES {
        ask(server, true)?;
        if connects_late {
            ask(server, false)?;
        }
    }
    Ok(())
}

fn ask(server: &mut Server, connects_before: bool) -> check::Result {
    let content = server.payload(CONTENT);
    let early = if connects_before { Some(server.connect()?) } else { None };
    let early = early.map(|mut client| client.complete_opening().map(|()| client)).transpose()?;
    // Only a call that waits is interrupted.
    server.await_reaction()?;
    server.freeze()?;
    let mut client = early.map_or_else(|| server.connect(), Ok)?;
    client.send(&content)?;
    client.await_delivery()?;
    server.thaw()?;
    client
        .expect(&content)
        .map_err(|finding| finding.because("the request arrived while the server was stopped"))
}
