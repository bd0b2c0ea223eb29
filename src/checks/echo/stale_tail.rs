//! Checks that an answer holds no bytes left in the server's buffer by an earlier message.

use crate::check;
use crate::checks::Check;
use crate::outcome::{Level::Must, Outcome};
use crate::server::Server;
use crate::transport::{Capabilities, Client};

pub const CHECK: Check = Check {
    id: "echo/stale-tail",
    level: Must,
    sentence: "the answer to a short message holds no bytes of an earlier, longer message, from this client or another",
    why: "a server that sends its whole buffer instead of the bytes it received leaks the data of other clients",
    citations: &["recv(2) (the return value is the length)", "RFC 862"],
    recipe: "client A sends 400 bytes, whose echo may be truncated; client B sends 4 bytes, then A sends 1; each answer holds exactly the bytes sent",
    requires: Capabilities::ECHO.union(Capabilities::MESSAGES).union(Capabilities::CONCURRENT_CLIENTS),
    run,
};

fn run(server: &mut Server) -> check::Result {
    let (long, short) = (server.payload(400), server.payload(404).split_off(400));
    let mut first = server.connect()?;
    // echo/message-sizes reports a truncated answer. Here the bytes only have to be in the server's buffer.
    if let Err(finding) = first.exchange(&long)
        && finding.outcome != Outcome::Fail
    {
        return Err(finding);
    }
    let mut buffer = long;
    if server.spec().capabilities().contains(Capabilities::CONNECTIONLESS) {
        clean(&mut server.connect()?, &short, &buffer)?;
        buffer[..short.len()].copy_from_slice(&short);
    }
    clean(&mut first, &short[..1], &buffer)
}

/// Exchanges `message`, and fails if its echo holds bytes of earlier messages. `buffer` is what the server's buffer
/// holds from these if the server reuses it.
fn clean(client: &mut Client, message: &[u8], buffer: &[u8]) -> check::Result {
    client.send(message)?;
    match client.receive()? {
        Some(answer) => answer.verify(message).map_err(|finding| {
            let tail = answer.bytes.get(message.len()..).filter(|tail| !tail.is_empty());
            let stale = tail.is_some_and(|tail| buffer[message.len()..].starts_with(tail));
            finding.because(if stale { STALE } else { "" })
        }),
        None => client.expect(message),
    }
}

const STALE: &str = "these bytes stood at the same offset in an earlier message";
