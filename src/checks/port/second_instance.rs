//! Two servers, one address.

use crate::checks::{Check, talk};
use crate::server::{Server, describe};
use crate::transport::{Address, Needs};
use crate::verdict::{Finding, Level::Should, Verdict};

pub const PORT: Check = Check {
    id: "port/second-instance",
    level: Should,
    says: "a second instance on a port that is being served gives up with an error, and the first serves on",
    why: "two servers on one port (SO_REUSEPORT, or SO_REUSEADDR with UDP) take each other's clients at random",
    cites: &["bind(2) (EADDRINUSE)", "socket(7) (SO_REUSEPORT)"],
    recipe: "start the same command on the same port, await its end with a non-zero status and a message; exchange with the first",
    needs: Needs::BINDS.union(Needs::PORT),
    run,
};

pub const PATH: Check = Check {
    id: "path/second-instance",
    level: Should,
    says: "a second instance on a path that is being served gives up with an error, and the first serves on at that path",
    why: "a server that unlinks whatever is there takes the path from a living one, which then serves nobody",
    cites: &["unix(7)", "bind(2) (EADDRINUSE)", "unlink(2)"],
    recipe: "note the inode of the socket file, start the same command on the same path, await its end; same inode, and the first answers",
    needs: Needs::BINDS.union(Needs::SOCKET_PATH),
    run,
};

fn run(server: &mut Server) -> Verdict {
    let before = identity(server);
    let address = server.address().clone();
    let (rival, status) =
        server.rival().map_err(|error| Finding::broken("a second instance", error.to_string()))?;
    let wanted = format!("a second instance on {address} ends with an error");
    let Some(status) = status else {
        return Err(Finding::fail(wanted, "it is running beside the first").because(shared(&address)));
    };
    if status.success() {
        return Err(Finding::fail(wanted, describe(status)));
    }
    if rival.output().text().trim().is_empty() {
        return Err(Finding::fail(
            format!("{wanted} that it prints"),
            format!("{}, and silence", describe(status)),
        ));
    }
    drop(rival);
    if identity(server) != before {
        return Err(Finding::fail(
            "the first instance's socket file untouched",
            "it has been replaced or removed",
        ));
    }
    talk::answered(server)
        .map(drop)
        .map_err(|finding| finding.because("after a second instance was started on its address"))
}

/// Device and inode of the socket file, where there is one.
fn identity(server: &Server) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    let meta = server.address().path()?.symlink_metadata().ok()?;
    Some((meta.dev(), meta.ino()))
}

fn shared(address: &Address) -> &'static str {
    match address {
        Address::Inet(_) => "SO_REUSEPORT, or SO_REUSEADDR with UDP, lets both bind",
        _ => "the path was unlinked and bound anew, though its owner lives",
    }
}
