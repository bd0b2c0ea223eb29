//! Checks of sockets that systemd, launchd, inetd or a supervisor made and passed to the server.

use crate::check;
use crate::checks::Check;
use crate::outcome::Level::Must;
use crate::server::Server;
use crate::transport::Capabilities;

pub const SERVES_PASSED_LISTENER: Check = Check {
    id: "fd/serves-passed-listener",
    level: Must,
    sentence: "the server serves a listening socket passed as descriptor 3, one client after another",
    why: "if the server binds a socket of its own, the clients of the passed one wait forever",
    citations: &["sd_listen_fds(3)", "systemd.socket(5)"],
    recipe: "launch the server with a listener as descriptor 3, LISTEN_FDS=1 and its own process id in LISTEN_PID; two clients, one after the other, exchange a message",
    requires: Capabilities::PASSED_LISTENER,
    run,
};

pub const SERVES_PASSED_CONNECTION: Check = Check {
    id: "fd/serves-passed-connection",
    level: Must,
    sentence: "the server serves a connected socket passed as descriptors 0, 1 and 2, and ends at end of file",
    why: "a program started by inetd or a similar launcher has no other way to reach its client",
    citations: &["inetd(8)", "systemd.socket(5) (Accept=)"],
    recipe: "accept a connection; launch the server with it as descriptors 0, 1 and 2; exchange a message; shut down the write side; expect end of file; do it twice",
    requires: Capabilities::PASSED_CONNECTION,
    run,
};

fn run(server: &mut Server) -> check::Result {
    for _ in 0..2 {
        server.connect_and_exchange()?.finish()?;
    }
    Ok(())
}
