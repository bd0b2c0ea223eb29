//! Two servers, one address.

use crate::check::{self, Finding, OrFinding};
use crate::checks::Check;
use crate::checks::holders::server_sockets;
use crate::deadline::until;
use crate::outcome::Level::Should;
use crate::server::{Instance, Server, describe};
use crate::sys::Process;
use crate::transport::{Address, Capabilities};

pub const PORT: Check = Check {
    id: "port/second-instance",
    level: Should,
    says: "a second instance on a port that is being served gives up with an error, and the first serves on",
    why: "two servers on one port (SO_REUSEPORT, or SO_REUSEADDR with UDP) take each other's clients at random",
    cites: &["bind(2) (EADDRINUSE)", "socket(7) (SO_REUSEPORT)"],
    recipe: "start the same command on the same port, await its end with a non-zero status and a message; exchange with the first",
    needs: Capabilities::BINDS.union(Capabilities::PORT),
    run,
};

pub const PATH: Check = Check {
    id: "path/second-instance",
    level: Should,
    says: "a second instance on a path that is being served gives up with an error, and the first serves on at that path",
    why: "a server that unlinks whatever is there takes the path from a living one, which then serves nobody",
    cites: &["unix(7)", "bind(2) (EADDRINUSE)", "unlink(2)"],
    recipe: "note the inode of the socket file, start the same command on the same path, await its end; same inode, and the first answers",
    needs: Capabilities::BINDS.union(Capabilities::SOCKET_PATH),
    run,
};

fn run(server: &mut Server) -> check::Result {
    let before = identity(server);
    let mut rival = server.start_second().or_broken("a second instance")?;
    gives_up(server, &mut rival)?;
    drop(rival);
    if identity(server) != before {
        return Err(Finding::fail(
            "the first instance's socket file untouched",
            "it has been replaced or removed",
        ));
    }
    server
        .connect_and_exchange()
        .map(drop)
        .map_err(|finding| finding.because("after a second instance was started on its address"))
}

/// It ends with a status that says so, and with a word to whoever started it.
fn gives_up(server: &Server, rival: &mut Instance) -> check::Result {
    let wanted = format!("a second instance on {} ends with an error", server.address());
    let limit = server.deadlines().start();
    // A program may take long to load: only one that holds the address has not given up on it.
    let end = until(limit, || {
        if rival.ended().is_some() || holds_address(server, rival) {
            Ok(Some(rival.ended()))
        } else {
            Ok(None)
        }
    })?;
    let Some(end) = end else {
        let actual = format!("after {} s it has neither ended nor bound the address", limit.as_secs_f64());
        return Err(Finding::timeout(wanted, actual));
    };
    let Some(status) = end else {
        return Err(Finding::fail(wanted, "it serves beside the first").because(shared(server.address())));
    };
    if status.success() {
        return Err(Finding::fail(wanted, describe(status)));
    }
    if !rival.printed_anything(server.deadlines().no_progress()) {
        return Err(Finding::fail(
            format!("{wanted} that it prints"),
            format!("{}, and silence", describe(status)),
        ));
    }
    Ok(())
}

fn holds_address(server: &Server, rival: &Instance) -> bool {
    let holds = |process: &Process| {
        let sockets = server_sockets(server, process.pid).unwrap_or_default();
        sockets.iter().any(|(_, socket)| socket.listening)
    };
    rival.processes().is_ok_and(|processes| processes.iter().any(holds))
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
