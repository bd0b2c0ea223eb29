//! Checks the permissions of the socket file, which decide who may connect.

use std::os::unix::fs::PermissionsExt;

use crate::check::{self, Finding, OrFinding};
use crate::checks::Check;
use crate::outcome::Level::Should;
use crate::server::Server;
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "path/owner-only",
    level: Should,
    sentence: "unless the user has asked for more, only the server's own user can connect",
    why: "connecting needs write permission on the socket file, so a world-writable file lets every user of the machine connect",
    citations: &["unix(7) (Pathname socket ownership and permissions)", "umask(2)"],
    recipe: "read the mode of the socket file; group and others must have no write permission",
    requires: Capabilities::BINDS.union(Capabilities::SOCKET_PATH),
    run,
};

fn run(server: &mut Server) -> check::Result {
    const OTHERS_WRITE: u32 = 0o022;
    // A server may set the mode after it has bound the socket.
    server.await_reaction()?;
    let path = server.address().expect_path().or_broken("a path")?;
    let meta = path
        .symlink_metadata()
        .map_err(|error| Finding::fail(format!("a socket file at {}", path.display()), error.to_string()))?;
    let mode = meta.permissions().mode() & 0o777;
    if mode & OTHERS_WRITE == 0 {
        return Ok(());
    }
    Err(Finding::fail(
        "no write permission for group and others (0600, or as the umask leaves it)",
        format!("mode {mode:04o}"),
    ))
}
