//! Checks that a server does not delete an ordinary file at its path.

use std::fs;
use std::path::Path;

use crate::check::{self, Finding, OrFinding};
use crate::checks::Check;
use crate::deadline::until;
use crate::outcome::Level::Should;
use crate::server::{LaunchOptions, Server};
use crate::transport::{Address, Capabilities};

pub const CHECK: Check = Check {
    id: "path/regular-file",
    level: Should,
    sentence: "an ordinary file at the server's path is neither removed nor replaced",
    why: "with a server that unlinks any file at its path, a mistake on the command line loses a file",
    citations: &["unix(7)", "bind(2) (EADDRINUSE)", "unlink(2)"],
    recipe: "write a file; start the server with that file's path; wait for it to exit; the file must be there with its content",
    requires: Capabilities::BINDS.union(Capabilities::ANY_ADDRESS).union(Capabilities::SOCKET_PATH),
    run,
};

const CONTENT: &[u8] = b"the only copy of a user's work\n";

fn run(server: &mut Server) -> check::Result {
    let path = server.address().expect_path().map(|path| path.with_file_name("work"));
    let path = path.or_broken("a path")?;
    fs::write(&path, CONTENT).or_broken("an ordinary file")?;
    let mut started = server
        .start_at(&Address::Path(path.clone()), &LaunchOptions::default())
        .or_broken("one more server")?;
    // The wait is limited: a server may keep trying to bind, and neither exit nor touch the file.
    let changed = until(server.deadlines().no_progress(), || {
        // The exit is read first, so that the file is read after the server's last change to it.
        let ended = started.ended();
        Ok(change(&path).map(Some).or(ended.map(|_| None)))
    })?;
    // A server that is still running must not remove the file when it is ended, either.
    drop(started);
    changed.flatten().or_else(|| change(&path)).map_or(Ok(()), |change| {
        Err(Finding::fail(format!("the file at {} unchanged", path.display()), change))
    })
}

/// Describes how the regular file at `path`, which a server must not replace, has changed. Returns `None` if it has
/// not.
fn change(path: &Path) -> Option<&'static str> {
    match fs::symlink_metadata(path) {
        Err(_) => Some("it is gone"),
        Ok(meta) if !meta.is_file() => Some("a socket is in its place"),
        Ok(_) => {
            fs::read(path).map_or(true, |content| content != CONTENT).then_some("its content has changed")
        }
    }
}
