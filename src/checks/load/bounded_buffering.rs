//! Checks that the server stops reading from a client that does not read (backpressure).

use std::time::Instant;

use crate::check::{self, Finding, OrFinding};
use crate::checks::Check;
use crate::outcome::Level::Should;
use crate::payload::MIB;
use crate::server::Server;
use crate::sys;
use crate::transport::{Capabilities, Client};

pub const CHECK: Check = Check {
    id: "load/bounded-buffering",
    level: Should,
    sentence: "the server takes only a limited amount of data from a client that never reads",
    why: "if the server keeps reading while its answers cannot be sent, one client can use up all memory",
    citations: &["RFC 9293 §3.8.6", "tcp(7) (tcp_rmem, tcp_wmem)", "unix(7)"],
    recipe: "send without reading until the server takes no more (at most 96 MiB); subtract from that what the kernel holds at both ends; the server may hold the rest, but at most 32 MiB",
    requires: Capabilities::STAYS_OPEN
        .union(Capabilities::FILLABLE)
        .union(Capabilities::STREAM)
        .union(Capabilities::CONNECTIONS)
        .union(Capabilities::MANY_CLIENTS),
    run,
};

/// The number of bytes to send: more than the kernel's buffers and [`ALLOWED`] together.
const MOST: usize = 96 * MIB;

/// The number of bytes that the server may hold for one client.
const ALLOWED: usize = 32 * MIB;

fn run(server: &mut Server) -> check::Result {
    // The client sends the same block again and again, since it never reads the echo.
    let block = server.payload(4 * MIB);
    let mut client = server.connect()?;
    // A server may take a little at a time without end.
    let deadline = Instant::now() + 12 * server.deadlines().no_progress();
    let mut taken = 0;
    while taken < MOST && Instant::now() < deadline {
        let more = client.fill_until_blocked(&block)?;
        taken += more;
        let with_server = taken.saturating_sub(in_kernel(&client)?);
        if with_server > ALLOWED {
            return Err(Finding::fail(
                "a server that stops reading while its answers are not read",
                format!("{} MiB taken, {} MiB of them held by the server", taken / MIB, with_server / MIB),
            ));
        }
        if more < block.len() {
            break;
        }
    }
    Ok(())
}

/// Returns the number of bytes that the kernel holds for this connection, in both directions, at both ends.
fn in_kernel(client: &Client) -> check::Result<usize> {
    let Some(socket) = client.link().as_socket() else { return Ok(0) };
    let ends = socket.local_addr().and_then(|ours| Ok((ours.as_socket(), socket.peer_addr()?.as_socket())));
    let (Some(ours), Some(theirs)) = ends.or_unsupported("the bytes that the kernel holds")? else {
        // On a Unix domain socket, bytes count against the sender's buffer until they are read.
        return Ok(2 * socket.send_buffer_size().or_unsupported("the bytes that the kernel holds")?);
    };
    let held = |local, remote| {
        let queues = sys::tcp_queues(local, remote)
            .or_unsupported("the bytes that the kernel holds")?
            .unwrap_or_default();
        Ok(queues.unacknowledged + queues.unread)
    };
    Ok(held(ours, theirs)? + held(theirs, ours)?)
}
