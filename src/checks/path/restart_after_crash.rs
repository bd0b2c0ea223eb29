//! A file that nobody serves must not keep a server from coming back.

use crate::check::{self, Finding, OrFinding};
use crate::checks::{Check, steps};
use crate::outcome::Level::Should;
use crate::server::Server;
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "path/restart-after-crash",
    level: Should,
    says: "a server that was killed can be started again on its path, over the file it left",
    why: "bind gives EADDRINUSE for a file that is there, though no process listens: no restart until somebody removes it by hand",
    cites: &["unix(7)", "bind(2) (EADDRINUSE)"],
    recipe: "SIGKILL the server, see that the file is still there, start it again, exchange",
    needs: Capabilities::BINDS.union(Capabilities::SOCKET_PATH),
    run,
};

fn run(server: &mut Server) -> check::Result {
    server.crash();
    let path = server.address().expect_path().or_broken("a path")?.to_owned();
    if path.symlink_metadata().is_err() {
        return Err(Finding::broken("a stale socket file", "there is none: something removed it"));
    }
    steps::restart_and_exchange(server, "the stale file was neither recognised nor removed")
}
