//! A signal can interrupt a server that waits, and means nothing by it.

use crate::check::{self, Finding};
use crate::checks::Check;
use crate::checks::elsewhere::serves;
use crate::deadline::until;
use crate::outcome::Level::Must;
use crate::server::Server;
use crate::sys;
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "life/survives-stop-and-continue",
    level: Must,
    says: "a server that is stopped and continued while it waits serves on, its connected client and new ones",
    why: "EINTR taken for a failure ends the server whenever a debugger, a shell's job control or a child's end interrupts its wait",
    cites: &[
        "signal(7) (Interruption of system calls and library functions by stop signals)",
        "epoll_wait(2) (EINTR)",
        "accept(2) (EINTR)",
    ],
    recipe: "serve a client to its end; 4 times SIGSTOP, SIGCONT, exchange with a new client; the same while it is silent, exchange again; another client after its end",
    needs: Capabilities::MANY_CLIENTS,
    run,
};

fn run(server: &mut Server) -> check::Result {
    // A first client that has ended leaves the server waiting for the next, and tells it of its child's end.
    serves(server, 1)?;
    let idle = |finding: Finding| finding.because("stopped and continued while no client was connected");
    let busy = |finding: Finding| finding.because("stopped and continued while its client was silent");
    interrupt(server).map_err(idle)?;
    let mut client = server.connect_and_exchange().map_err(idle)?;
    interrupt(server).map_err(busy)?;
    client.exchange(b"still here").map_err(busy)?;
    client.finish()?;
    serves(server, 1).map_err(busy)
}

/// Of a server's threads any may be the one that takes a signal, and only one of them is the one that must not.
const TIMES: usize = 4;

/// Only a call that waits is interrupted, so the server first gets the time to begin one; more than once, for
/// where the system does not tell, that time is a guess.
fn interrupt(server: &mut Server) -> check::Result {
    let pid = server.pid()?;
    for _ in 0..TIMES {
        if server.instance()?.ended().is_some() {
            break; // Its next client will tell.
        }
        let (mut last, mut seen) = (None, 0);
        until(server.deadlines().quiet(), || {
            let place = sys::wait_channel(pid);
            seen = if place.is_some() && place == last { seen + 1 } else { 0 };
            last = place;
            Ok((seen >= 3).then_some(()))
        })?;
        server.freeze()?;
        server.thaw()?;
    }
    Ok(())
}
