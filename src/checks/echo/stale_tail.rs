//! A buffer that is used again still holds the last message.

use crate::check;
use crate::checks::Check;
use crate::outcome::{Level::Must, Outcome};
use crate::server::Server;
use crate::transport::{Capabilities, Messenger};

pub const CHECK: Check = Check {
    id: "echo/stale-tail",
    level: Must,
    says: "a short message after a long one carries nothing of the long one, nor of another client's",
    why: "a server that sends its whole buffer instead of what it received leaks the data of other clients",
    cites: &["recv(2) (the return value is the length)", "RFC 862"],
    recipe: "client A sends 400 bytes, which need not come back whole; client B exchanges 4, A 1: each answer has just the bytes sent",
    needs: Capabilities::MESSAGES.union(Capabilities::AT_ONCE),
    run,
};

fn run(server: &mut Server) -> check::Result {
    let (long, short) = (server.payload(400), server.payload(404).split_off(400));
    let mut first = server.messenger()?;
    // Cut or not: that is for message-sizes to say. What is left of it in a buffer is the question here.
    if let Err(finding) = first.exchange(&long).map(drop)
        && finding.outcome != Outcome::Fail
    {
        return Err(finding);
    }
    let mut buffer = long;
    if server.spec().offers().contains(Capabilities::CONNECTIONLESS) {
        clean(&mut server.messenger()?, &short, &buffer)?;
        buffer[..short.len()].copy_from_slice(&short);
    }
    clean(&mut first, &short[..1], &buffer)
}

/// Exchanges `message`, where `buffer` is what one that is used again would hold.
fn clean(client: &mut Messenger, message: &[u8], buffer: &[u8]) -> check::Result {
    client.send(message)?;
    match client.receive()? {
        Some(answer) => answer.proves(message).map_err(|finding| {
            let tail = answer.bytes.get(message.len()..).filter(|tail| !tail.is_empty());
            let stale = tail.is_some_and(|tail| buffer[message.len()..].starts_with(tail));
            finding.because(if stale { STALE } else { "" })
        }),
        None => client.expect(message).map(drop),
    }
}

const STALE: &str = "stale bytes: they stood at the same place in an earlier message";
