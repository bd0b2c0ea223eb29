//! Finds out whether a server lets each client wait.

use std::time::{Duration, Instant};

use crate::check;
use crate::server::Server;
use crate::transport::Capabilities;

/// The time to an answer from which a server counts as waiting.
pub(super) const WAIT: Duration = Duration::from_millis(100);

/// The number of answers whose time is measured, if each comes late.
const ANSWERS: usize = 3;

/// The number of checks that run at the same time against a server that waits, as a multiple of the usual one.
pub(super) const MORE_JOBS: usize = 3;

/// Whether the server answers each of a few clients late, or not at all, and uses almost no processor time meanwhile.
/// More checks can then run at the same time.
pub(super) fn waits_before_answers(server: &mut Server) -> bool {
    let shared = Capabilities::MANY_CLIENTS.union(Capabilities::STREAM).union(Capabilities::CONNECTIONS);
    server.spec().capabilities().contains(shared) && all_late(server).unwrap_or(false)
}

fn all_late(server: &mut Server) -> check::Result<bool> {
    let window = server.begin_cpu_window()?;
    for _ in 0..ANSWERS {
        let began = Instant::now();
        let mut client = server.connect()?;
        client.send(b"when?")?;
        let answered = client.readable_within(server.deadlines().reply())?;
        if began.elapsed() < WAIT {
            return Ok(false);
        }
        if !answered {
            break;
        }
    }
    Ok(server.cpu_use_since(&window)?.is_mostly_idle())
}
