//! Checks that a server does not delete an ordinary file at its path.

use std::fs;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use crate::check::{self, Finding, OrFinding};
use crate::checks::Check;
use crate::deadline::until;
use crate::outcome::Level::Should;
use crate::server::{LaunchOptions, Server};
use crate::transport::{Address, Capabilities, fifo_paths};

pub const CHECK: Check = Check {
    id: "path/regular-file",
    level: Should,
    sentence: "an ordinary file at the server's path is neither removed nor replaced",
    why: "with a server that unlinks any file at its path, or takes it for a named pipe of its own, a mistake on the command line loses a file",
    citations: &["unix(7)", "bind(2) (EADDRINUSE)", "unlink(2)", "mkfifo(3) (EEXIST)"],
    recipe: "write a file, or two where the server makes two named pipes; start the server with that file's path; wait for it to exit; the file must be there with its content",
    requires: Capabilities::BINDS.union(Capabilities::ANY_ADDRESS).union(Capabilities::FILE),
    run,
};

/// A regular file that a server must not replace, and what is in it.
struct Kept {
    path: PathBuf,
    content: &'static [u8],
}

const CONTENT: &[u8] = b"the only copy of a user's work\n";
const MORE_CONTENT: &[u8] = b"another file of that user\n";

fn run(server: &mut Server) -> check::Result {
    let path = server.address().expect_path().map(|path| path.with_file_name("work"));
    let path = path.or_broken("a path")?;
    let files = if server.spec().capabilities().contains(Capabilities::SOCKET_PATH) {
        vec![Kept { path: path.clone(), content: CONTENT }]
    } else {
        let (input, output) = fifo_paths(&path);
        vec![Kept { path: input, content: CONTENT }, Kept { path: output, content: MORE_CONTENT }]
    };
    for file in &files {
        fs::write(&file.path, file.content).or_broken("an ordinary file")?;
    }
    let mut started =
        server.start_at(&Address::Path(path), &LaunchOptions::default()).or_broken("one more server")?;
    // The wait is limited: a server may keep trying to bind, and neither exit nor touch the files.
    let changed = until(server.deadlines().no_progress(), || {
        // The exit is read first, so that the files are read after the server's last change to them.
        let ended = started.ended();
        Ok(first_change(&files).map(Some).or(ended.map(|_| None)))
    })?;
    // A server that is still running must not remove the files when it is ended, either.
    drop(started);
    changed.flatten().or_else(|| first_change(&files)).map_or(Ok(()), |(path, change)| {
        Err(Finding::fail(format!("the file at {} unchanged", path.display()), change))
    })
}

/// Returns the first of `files` that has changed, and how.
fn first_change(files: &[Kept]) -> Option<(&Path, &'static str)> {
    files.iter().find_map(|file| Some((file.path.as_path(), change(file)?)))
}

/// Describes how a regular file that a server must not replace has changed. Returns `None` if it has not.
fn change(file: &Kept) -> Option<&'static str> {
    match fs::symlink_metadata(&file.path) {
        Err(_) => Some("it is gone"),
        Ok(meta) if meta.file_type().is_fifo() => Some("a named pipe is in its place"),
        Ok(meta) if !meta.is_file() => Some("a socket is in its place"),
        Ok(_) => {
            let is_same = fs::read(&file.path).is_ok_and(|content| content == file.content);
            (!is_same).then_some("its content has changed")
        }
    }
}
