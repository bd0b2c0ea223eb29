//! Checks that a server removes its socket file, or its named pipes, when SIGTERM ends it.

use crate::check::{self, Finding, OrFinding};
use crate::checks::Check;
use crate::outcome::Level::Should;
use crate::server::Server;
use crate::transport::{Capabilities, fifo_paths};

pub const CHECK: Check = Check {
    id: "path/removed-at-exit",
    level: Should,
    sentence: "after SIGTERM the socket file is gone, or the named pipes",
    why: "a file that stays suggests to scripts and users that a server is running, and makes bind(2) or mkfifo(3) fail for the next one",
    citations: &["unix(7)", "fifo(7)", "unlink(2)", "mkfifo(3)"],
    recipe: "send SIGTERM; wait for the process to exit; look for the file",
    requires: Capabilities::BINDS.union(Capabilities::FILE),
    run,
};

fn run(server: &mut Server) -> check::Result {
    // Its file is there before it has done everything else that it does at its start.
    server.await_reaction()?;
    server.stop_and_wait()?;
    let path = server.address().expect_path().or_broken("a path")?;
    let (input, output) = fifo_paths(path);
    let left = [path.to_owned(), input, output].into_iter().find(|path| path.symlink_metadata().is_ok());
    match left {
        None => Ok(()),
        Some(path) => Err(Finding::fail(
            "no file at the path after SIGTERM",
            format!("{} is still there", path.display()),
        )),
    }
}
