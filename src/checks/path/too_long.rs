//! Checks paths of the greatest length and beyond.

use std::collections::BTreeSet;
use std::fs;
use std::mem::offset_of;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use nix::libc::sockaddr_un;

use crate::check::{self, Finding, OrFinding};
use crate::checks::Check;
use crate::deadline::until;
use crate::outcome::Level::Should;
use crate::server::{Instance, LaunchOptions, Server, describe_exit};
use crate::text::count_with_noun;
use crate::transport::{Address, Capabilities, ConnectOptions};

pub const CHECK: Check = Check {
    id: "path/too-long",
    level: Should,
    sentence: "a path that is too long for a socket's address is refused, not truncated",
    why: "a truncated path is another path: clients do not find the server, and the server may remove an unrelated file there",
    citations: &["unix(7) (sun_path)", "sys_un.h(0P)"],
    recipe: "start the server with a path of 128 bytes; it exits with an error, or serves clients that reach that path by another way, such as from its directory, and binds no other name; start it with a path of 107 bytes (103 on macOS and the BSDs), and exchange a message",
    requires: Capabilities::BINDS.union(Capabilities::ANY_ADDRESS).union(Capabilities::SOCKET_PATH),
    run,
};

/// The longest path of a Unix domain socket that fits into `sun_path` with its NUL: 107 bytes on Linux, 103 on macOS
/// and the BSDs.
const LONGEST: usize = size_of::<sockaddr_un>() - offset_of!(sockaddr_un, sun_path) - 1;
/// A length of a socket's path, in bytes, that does not fit into `sun_path` on any system.
const TOO_LONG: usize = 128;

fn run(server: &mut Server) -> check::Result {
    refuses_too_long(server)?;
    serves_longest(server)
}

fn refuses_too_long(server: &mut Server) -> check::Result {
    let wanted = format!("a path of {TOO_LONG} bytes refused");
    match started_at(server, &path_of(server, TOO_LONG)?)? {
        // A server may change its directory and bind the last component. Clients that do the same can connect.
        Fate::Bound(_instance) => Ok(()),
        Fate::Elsewhere(name) => {
            let length = count_with_noun(name.as_os_str().len(), "byte");
            Err(Finding::fail(wanted, format!("it is bound to {}, truncated to {length}", name.display())))
        }
        Fate::Exited(status) if status.success() => Err(Finding::fail(wanted, describe_exit(status))),
        Fate::Exited(_) => Ok(()),
        Fate::Neither => Err(server.confirm_timeout(Finding::timeout(wanted, NEITHER))),
    }
}

fn serves_longest(server: &mut Server) -> check::Result {
    let wanted = format!("a path of {LONGEST} bytes served");
    let path = path_of(server, LONGEST)?;
    match started_at(server, &path)? {
        Fate::Bound(_instance) => {
            let options = ConnectOptions::to(Address::Path(path));
            // bind(2) creates the file. Until listen(2) the kernel refuses clients.
            let client = until(server.deadlines().no_progress(), || Ok(server.connect_with(&options).ok()))?;
            client.map_or_else(|| server.connect_with(&options), Ok)?.exchange(b"a long way")
        }
        Fate::Elsewhere(name) => {
            Err(Finding::fail(wanted, format!("it is bound to {} instead", name.display())))
        }
        // The server has a shorter limit of its own.
        Fate::Exited(status) => Err(Finding::info(wanted, describe_exit(status))),
        Fate::Neither => Err(server.confirm_timeout(Finding::timeout(wanted, NEITHER))),
    }
}

/// The description of a server that does nothing with the path in its command.
const NEITHER: &str = "it has neither exited nor bound a name";

/// The reaction of a server to the socket path in its command.
enum Fate {
    /// The server bound the socket path of its command. Dropping the instance ends the server.
    Bound(Instance),
    /// The server bound another socket path than that of its command.
    Elsewhere(PathBuf),
    /// The server exited instead of binding the socket path of its command.
    Exited(std::process::ExitStatus),
    /// The server neither bound a socket path nor exited before its deadline.
    Neither,
}

fn started_at(server: &Server, path: &Path) -> check::Result<Fate> {
    let folder = path.parent().unwrap_or(path);
    let known = sockets_in(folder)?;
    let mut instance = server
        .start_at(&Address::Path(path.to_owned()), &LaunchOptions::default())
        .or_broken("one more server")?;
    let stopwatch = instance.stopwatch(server.deadlines());
    // A server may bind a temporary name and then rename(2) it to the path in its command.
    let mut seen = 0;
    let mut look = || {
        // The exit is read first, so that the directory is read after the server's last change to it.
        let ended = instance.ended();
        let mut now = sockets_in(folder)?;
        let asked = now.take(path);
        let new = asked.or_else(|| now.into_iter().find(|name| !known.contains(name)));
        seen += usize::from(new.is_some());
        Ok(match (new, ended) {
            (Some(name), _) if name == path => Some(Ok(name)),
            (Some(name), ended) if ended.is_some() || seen > 8 => Some(Ok(name)),
            (_, ended) => ended.map(Err),
        })
    };
    // A server may take long to start on a busy machine.
    let fate = stopwatch.wait(server.deadlines().start(), |left| until(left, &mut look))?;
    Ok(match fate {
        Some(Ok(name)) if name == path => Fate::Bound(instance),
        Some(Ok(name)) => Fate::Elsewhere(name),
        Some(Err(status)) => Fate::Exited(status),
        None => Fate::Neither,
    })
}

/// Returns a socket path of exactly `length` bytes in the directory of the server's own path.
fn path_of(server: &Server, length: usize) -> check::Result<PathBuf> {
    let folder = server.address().path().and_then(Path::parent);
    let folder = folder.ok_or_else(|| Finding::broken("a directory", "the server has no path"))?;
    let room = length.checked_sub(folder.as_os_str().len() + 1).filter(|room| *room > 0);
    let room = room.ok_or_else(|| {
        Finding::broken(format!("a path of {length} bytes"), format!("{} is longer", folder.display()))
    })?;
    Ok(folder.join("n".repeat(room)))
}

fn sockets_in(folder: &Path) -> check::Result<BTreeSet<PathBuf>> {
    let listing = fs::read_dir(folder).or_broken("a list of files")?;
    let is_socket = |entry: &fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_socket());
    Ok(listing.flatten().filter(is_socket).map(|entry| entry.path()).collect())
}
