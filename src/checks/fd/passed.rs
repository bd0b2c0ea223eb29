//! Sockets made by somebody else: by systemd or launchd, by inetd, by a supervisor that restarts the server.

use crate::check;
use crate::checks::{Check, talk};
use crate::outcome::Level::Must;
use crate::server::Server;
use crate::transport::Capabilities;

pub const LISTENER: Check = Check {
    id: "fd/serves-passed-listener",
    level: Must,
    says: "a listening socket passed as descriptor 3 is served, for one client after another",
    why: "a server that binds a socket of its own leaves the clients of the passed one waiting for ever",
    cites: &["sd_listen_fds(3)", "systemd.socket(5)"],
    recipe: "launch it with a listener as descriptor 3, LISTEN_FDS=1 and LISTEN_PID its own; two clients exchange",
    needs: Capabilities::PASSED_LISTENER,
    run,
};

pub const CONNECTION: Check = Check {
    id: "fd/serves-passed-connection",
    level: Must,
    says: "a connected socket passed as descriptors 0, 1 and 2 is served, and ended at end of file",
    why: "programs started by inetd and its kin have no other way to their client",
    cites: &["inetd(8)", "systemd.socket(5) (Accept=)"],
    recipe: "accept a connection, launch the server with it as 0, 1 and 2; exchange; end; twice",
    needs: Capabilities::PASSED_CONNECTION,
    run,
};

fn run(server: &mut Server) -> check::Result {
    let offers = server.spec().offers();
    for _ in 0..2 {
        talk::answered(server)?.finish(offers)?;
    }
    Ok(())
}
