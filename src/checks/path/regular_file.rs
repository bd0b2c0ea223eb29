//! What lies at the path may be somebody's work.

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
    says: "an ordinary file at its path is neither removed nor replaced",
    why: "a server that makes room by unlinking whatever is there turns a slip in its command line into the loss of a file",
    cites: &["unix(7)", "bind(2) (EADDRINUSE)", "unlink(2)"],
    recipe: "write a file, start the server with that file's path, await its end; the file is there, with its content",
    needs: Capabilities::BINDS.union(Capabilities::SOCKET_PATH),
    run,
};

const CONTENT: &[u8] = b"the only copy of somebody's work\n";

fn run(server: &mut Server) -> check::Result {
    let path = server.address().expect_path().map(|path| path.with_file_name("work"));
    let path = path.or_broken("a path")?;
    fs::write(&path, CONTENT).or_broken("an ordinary file")?;
    let mut started = server
        .start_at(&Address::Path(path.clone()), &LaunchOptions::default())
        .or_broken("one more server")?;
    // One that neither ends nor touches the file tries for longer than anybody will wait.
    let seen = until(server.deadlines().no_progress(), || {
        // Its end first: whatever it does to the file, it has done before.
        let ended = started.ended();
        Ok(loss(&path).map(Some).or(ended.map(|_| None)))
    })?;
    // Its end, if that is still to come, must spare the file too.
    drop(started);
    seen.flatten()
        .or_else(|| loss(&path))
        .map_or(Ok(()), |loss| Err(Finding::fail(format!("the file at {} as it was", path.display()), loss)))
}

/// What has become of the file, if it is not as it was.
fn loss(path: &Path) -> Option<&'static str> {
    match fs::symlink_metadata(path) {
        Err(_) => Some("it is gone"),
        Ok(meta) if !meta.is_file() => Some("a socket is in its place"),
        Ok(_) => {
            fs::read(path).map_or(true, |content| content != CONTENT).then_some("its content has changed")
        }
    }
}
