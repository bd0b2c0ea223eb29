//! Finds out whether a server lets each client wait, or takes its time to end.

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
    is_asked(server) && all_late(server).unwrap_or(false)
}

fn is_asked(server: &Server) -> bool {
    let shared = Capabilities::MANY_CLIENTS.union(Capabilities::STREAM).union(Capabilities::CONNECTIONS);
    server.spec().capabilities().contains(shared)
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

/// Whether the server takes long to end, and uses almost no processor time meanwhile.
pub(super) fn waits_before_its_end(mut server: Server) -> bool {
    is_asked(&server) && !server.is_attached() && ends_late(&mut server).unwrap_or(false)
}

fn ends_late(server: &mut Server) -> check::Result<bool> {
    server.begin_stop()?;
    let window = server.begin_cpu_window()?;
    let ended = server.await_exit(3 * WAIT)?.is_some();
    Ok(!ended && server.cpu_use_since(&window)?.is_mostly_idle())
}
