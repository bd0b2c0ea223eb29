//! Backpressure: who is not read from must at some time not be written to.

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
    says: "a client that never reads cannot make the server take more and more from it",
    why: "a server that reads on while its answers find no room lets one client use up all memory",
    cites: &["RFC 9293 §3.8.6", "tcp(7) (tcp_rmem, tcp_wmem)", "unix(7)"],
    recipe: "send without reading until nothing more is taken (at most 96 MiB); from what was taken subtract what the kernel holds at both ends; the rest is with the server: at most 32 MiB",
    needs: Capabilities::STREAM.union(Capabilities::CONNECTIONS).union(Capabilities::MANY_CLIENTS),
    run,
};

/// More than what any kernel here holds and the allowance together.
const MOST: usize = 96 * MIB;

/// A generous buffer has an end too.
const ALLOWED: usize = 32 * MIB;

fn run(server: &mut Server) -> check::Result {
    // Always the same bytes: nobody reads them, and they need not all be in memory.
    let block = server.payload(4 * MIB);
    let mut client = server.connect()?;
    // For one that takes a little for ever; what matters is how much is taken, not how fast.
    let deadline = Instant::now() + 12 * server.deadlines().no_progress();
    let mut taken = 0;
    while taken < MOST && Instant::now() < deadline {
        let more = client.fill_until_blocked(&block)?;
        taken += more;
        let with_server = taken.saturating_sub(in_kernel(&client)?);
        if with_server > ALLOWED {
            return Err(Finding::fail(
                "a server that stops reading while its answers are not read",
                format!("{} MiB taken, {} MiB of them by the server itself", taken / MIB, with_server / MIB),
            ));
        }
        if more < block.len() {
            break;
        }
    }
    Ok(())
}

/// What the kernel holds of this conversation, in both directions, at both ends.
fn in_kernel(client: &Client) -> check::Result<usize> {
    let Some(socket) = client.link().as_socket() else { return Ok(0) };
    let ends = socket.local_addr().and_then(|ours| Ok((ours.as_socket(), socket.peer_addr()?.as_socket())));
    let (Some(ours), Some(theirs)) = ends.or_unsupported("what the kernel holds")? else {
        // A Unix domain socket: what is sent counts against the sender's buffer until it is read.
        return Ok(2 * socket.send_buffer_size().or_unsupported("what the kernel holds")?);
    };
    let held = |local, remote| {
        let queues =
            sys::tcp_queues(local, remote).or_unsupported("what the kernel holds")?.unwrap_or_default();
        Ok(queues.unacknowledged + queues.unread)
    };
    Ok(held(ours, theirs)? + held(theirs, ours)?)
}
