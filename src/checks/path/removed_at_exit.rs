//! Checks that a server removes its socket file when SIGTERM ends it.

use crate::check::{self, Finding, OrFinding};
use crate::checks::Check;
use crate::outcome::Level::Should;
use crate::server::Server;
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "path/removed-at-exit",
    level: Should,
    sentence: "after SIGTERM the socket file is gone",
    why: "a file that stays suggests to scripts and users that a server is running, and makes bind(2) fail for the next one",
    citations: &["unix(7)", "unlink(2)"],
    recipe: "send SIGTERM; wait for the process to exit; look for the file",
    requires: Capabilities::BINDS.union(Capabilities::SOCKET_PATH),
    run,
};

fn run(server: &mut Server) -> check::Result {
    server.stop_and_wait()?;
    let path = server.address().expect_path().or_broken("a path")?;
    if path.symlink_metadata().is_err() {
        return Ok(());
    }
    Err(Finding::fail("no file at the path after SIGTERM", format!("{} is still there", path.display())))
}
