//! One who does not read, among others who do.

use crate::check;
use crate::checks::Check;
use crate::outcome::{Level, Outcome};
use crate::payload::{KIB, MIB};
use crate::server::Server;
use crate::text::count;
use crate::transport::{Capabilities, Client};

pub const BLOCKS_NONE: Check = Check {
    id: "load/slow-client-blocks-none",
    level: Level::Should,
    says: "while one client reads nothing and can send nothing more, others are answered",
    why: "a write that waits in the one loop of the server, or under a lock, lets anybody stop the service by not reading",
    cites: &["write(2)", "fcntl(2) (O_NONBLOCK)", "RFC 9293 §3.8.6"],
    recipe: "B exchanges; A sends without reading until nothing more is taken; B exchanges again, and so does C, who comes only now (not with servers of one client after another)",
    needs: AMONG_OTHERS,
    run: blocks_none,
};

pub const NO_CROSS_TALK: Check = Check {
    id: "load/no-cross-talk",
    level: Level::Must,
    says: "what a server holds for a client that does not read is not touched by what others send meanwhile",
    why: "a buffer that all clients share is overwritten while one of them still waits for it: the next one's bytes go to the wrong client",
    cites: &["RFC 862", "write(2)"],
    recipe: "8 clients come and go; A sends without reading until nothing more is taken; B exchanges 64 KiB, 4 times; A reads all and compares",
    needs: AMONG_OTHERS,
    run: no_cross_talk,
};

const VISITS: usize = 8;

const AMONG_OTHERS: Capabilities =
    Capabilities::STREAM.union(Capabilities::CONNECTIONS).union(Capabilities::MANY_CLIENTS);

fn blocks_none(server: &mut Server) -> check::Result {
    let mut known = server.connect()?;
    known.exchange(b"before")?;
    if !server.serves_concurrently()? {
        return Ok(()); // One client after another: all but the first wait anyhow.
    }
    let bytes = server.payload(32 * MIB);
    let (_slow, taken) = stalled(server, &bytes)?;
    let answered = known.exchange(b"meanwhile").and_then(|()| server.connect_and_exchange().map(drop));
    let why = format!("another client has sent {} and reads nothing", count(taken, "byte"));
    answered.map_err(|finding| finding.because(why))
}

fn no_cross_talk(server: &mut Server) -> check::Result {
    // Whoever gives a buffer back twice gives it to two later clients.
    (0..VISITS).try_for_each(|_| server.connect_and_exchange()?.finish())?;
    let bytes = server.payload(32 * MIB);
    let (mut slow, taken) = stalled(server, &bytes)?;
    if !server.serves_concurrently()? {
        return Ok(()); // Nobody else is heard meanwhile, so there is nothing to mix up.
    }
    let mut other = server.connect()?;
    for _ in 0..4 {
        let bytes = server.payload(64 * KIB);
        other.exchange(&bytes)?;
    }
    let why = format!("others were answered while this client had {} to read", count(taken, "byte"));
    match slow.expect(&bytes[..taken]) {
        // A server that waits for itself does so without other clients too: echo/slow-reader tells.
        Err(hung) if hung.outcome == Outcome::Timeout => Ok(()),
        told => told.map_err(|finding| finding.because(why)),
    }
}

/// A client that has sent as much of `bytes` as is taken while it reads nothing, and how much that was.
fn stalled(server: &mut Server, bytes: &[u8]) -> check::Result<(Client, usize)> {
    let mut client = server.connect()?;
    let taken = client.fill_until_blocked(bytes)?;
    Ok((client, taken))
}
