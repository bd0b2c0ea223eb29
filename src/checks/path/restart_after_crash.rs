//! Checks that the socket file of a killed server does not prevent a restart.

use crate::check::{self, Finding, OrFinding};
use crate::checks::{Check, steps};
use crate::outcome::Level::Should;
use crate::server::Server;
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "path/restart-after-crash",
    level: Should,
    sentence: "a server that was killed can be started again on its path, although its socket file is still there",
    why: "bind(2) fails with EADDRINUSE if the file exists, even when no process listens, so the server cannot restart until the file is removed by hand",
    citations: &["unix(7)", "bind(2) (EADDRINUSE)"],
    recipe: "SIGKILL the server; check that the file is still there; start the server again, and exchange a message",
    requires: Capabilities::BINDS.union(Capabilities::SOCKET_PATH),
    run,
};

fn run(server: &mut Server) -> check::Result {
    server.crash();
    let path = server.address().expect_path().or_broken("a path")?.to_owned();
    if path.symlink_metadata().is_err() {
        return Err(Finding::broken("a stale socket file", "there is none: it was removed"));
    }
    steps::restart_and_exchange(server, "the server did not remove the stale socket file")
}
