//! Checks that a server handles system calls interrupted by a signal (EINTR).

use crate::check::{self, Finding};
use crate::checks::Check;
use crate::checks::steps::serve_clients;
use crate::outcome::Level::Must;
use crate::server::Server;
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "life/survives-stop-and-continue",
    level: Must,
    sentence: "a server that is stopped and continued while it waits keeps serving its connected client and new ones",
    why: "a server that takes EINTR for a failure exits when a debugger, a shell's job control or SIGCHLD interrupts its wait",
    citations: &[
        "signal(7) (Interruption of system calls and library functions by stop signals)",
        "epoll_wait(2) (EINTR)",
        "accept(2) (EINTR)",
    ],
    recipe: "serve a client until it closes; 4 times SIGSTOP and SIGCONT; exchange a message with a new client; again 4 times SIGSTOP and SIGCONT while that client is silent; exchange another message; serve one more client",
    requires: Capabilities::MANY_CLIENTS.union(Capabilities::LAUNCHED),
    run,
};

fn run(server: &mut Server) -> check::Result {
    // After a first client has left, the server waits for the next one, and has received SIGCHLD if it forks.
    serve_clients(server, 1)?;
    let idle = |finding: Finding| finding.because("stopped and continued while no client was connected");
    let busy = |finding: Finding| finding.because("stopped and continued while its client was silent");
    interrupt(server).map_err(idle)?;
    for _ in 0..ATTEMPTS {
        let mut client = server.connect_and_hold().map_err(idle)?;
        interrupt(server).map_err(busy)?;
        // On a busy machine the client is silent so long that a server may close its connection.
        if client.has_begun_request() || client.exchange_unless_idle(b"still here").map_err(busy)? {
            client.finish().map_err(busy)?;
            return serve_clients(server, 1).map_err(busy);
        }
        serve_clients(server, 1).map_err(busy)?;
    }
    Err(Finding::broken("a client that is silent for a moment alone", "this machine is too busy for that"))
}

/// The number of clients whose connection a server may close because they are silent for long.
const ATTEMPTS: usize = 3;

/// The number of times that one server is stopped and continued. The kernel interrupts any of its threads, and only
/// one of them may handle EINTR wrongly.
const TIMES: usize = 4;

/// Stops and continues the server several times.
///
/// Only a system call that blocks is interrupted, so this waits until the server is in one. Where the system does not
/// show that, it waits for a fixed time.
fn interrupt(server: &mut Server) -> check::Result {
    for _ in 0..TIMES {
        if server.instance()?.ended().is_some() {
            break; // The next client reports the exit.
        }
        // Only a call that waits is interrupted.
        server.await_reaction()?;
        server.freeze()?;
        server.thaw()?;
    }
    Ok(())
}
