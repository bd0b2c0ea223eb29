//! Checks a second server that is started on an address in use.

use std::process::ExitStatus;
use std::time::Duration;

use crate::check::{self, Finding, OrFinding};
use crate::checks::Check;
use crate::checks::processes::{FileIdentity, file_identity, sockets_at_address, waits_at_named_pipes};
use crate::deadline::until;
use crate::outcome::Level::Should;
use crate::server::{Instance, Server, UsualStart, describe_exit};
use crate::sys::Process;
use crate::transport::{Address, Capabilities};

pub const SECOND_INSTANCE_ON_PORT: Check = Check {
    id: "port/second-instance",
    level: Should,
    sentence: "a second instance on a port in use exits with an error, and the first keeps serving",
    why: "two servers on one port (SO_REUSEPORT, or SO_REUSEADDR with UDP) each receive some of the clients, at random",
    citations: &["bind(2) (EADDRINUSE)", "socket(7) (SO_REUSEPORT)"],
    recipe: "start the same command on the same port; it must exit with a non-zero status and print a message; exchange a message with the first",
    requires: Capabilities::BINDS.union(Capabilities::PORT),
    run,
};

pub const SECOND_INSTANCE_ON_PATH: Check = Check {
    id: "path/second-instance",
    level: Should,
    sentence: "a second instance on a path in use exits with an error, and the first keeps serving at that path",
    why: "a server that unlinks any file at its path takes the path from a running server, which then receives no clients; two servers that read one named pipe each receive some of the bytes, at random",
    citations: &["unix(7)", "bind(2) (EADDRINUSE)", "unlink(2)", "fifo(7)", "mkfifo(3) (EEXIST)"],
    recipe: "note the inode of the socket file, or of both named pipes; start the same command on the same path; it must exit with an error; the inodes must be the same, and the first must answer",
    requires: Capabilities::BINDS.union(Capabilities::FILE),
    run,
};

fn run(server: &mut Server) -> check::Result {
    let before = file_identity(server);
    let mut rival = server.start_second().or_broken("a second instance")?;
    expect_refusal(server, &mut rival, before)?;
    drop(rival);
    if file_identity(server) != before {
        let files = if names_sockets(server) { "socket file" } else { "named pipes" };
        let wanted = format!("the first instance's {files} unchanged");
        return Err(Finding::fail(wanted, "replaced or removed"));
    }
    server
        .connect_and_exchange()
        .map(drop)
        .map_err(|finding| finding.because("after a second instance was started on its address"))
}

/// The harm of a second instance that exits as if it had succeeded, as a report states it.
const SILENT: &str = "a user or service manager takes the second instance for one that has done its work, and looks for the cause of the conflict in vain";

/// The harm of a second instance that waits for an address in use, as a report states it.
const WAITS: &str = "a second instance that neither serves nor exits looks like a running service";

/// The number of looks in a row that must find a second instance waiting at named pipes: it may open them to learn
/// whether another server uses them.
const LOOKS: usize = 3;

/// Waits until `rival`, a second instance at the same address, exits with a non-zero status and has printed a
/// message. Fails if it binds the address, or waits for clients at named pipes there, instead. `before` is the identity
/// of the first instance's files.
fn expect_refusal(server: &mut Server, rival: &mut Instance, before: FileIdentity) -> check::Result {
    let wanted = format!("a second instance on {} exits with an error", server.address());
    let limit = server.deadlines().start();
    let mut end = await_end(server, rival, limit)?;
    if end.is_none() {
        end = match server.usual_start_elsewhere()? {
            UsualStart::Prompt => None,
            UsualStart::Slow(longer) => await_end(server, rival, longer)?,
            UsualStart::Exits(usual) | UsualStart::Fails(usual) => {
                return Err(Finding::broken("a server that starts elsewhere", usual));
            }
        };
    }
    let Some(end) = end else {
        let actual = format!("after {} s it has neither exited nor bound the address", limit.as_secs_f64());
        return Err(Finding::timeout(wanted, actual).harms(WAITS));
    };
    let Some(status) = end else {
        let (seen, cause) = describe_rival(server, file_identity(server) != before);
        return Err(Finding::fail(wanted, seen).because(cause));
    };
    if status.success() {
        return Err(Finding::fail(wanted, describe_exit(status)).harms(SILENT));
    }
    if !rival.printed_anything(server.deadlines().no_progress()) {
        return Err(Finding::fail(
            format!("{wanted} that it prints"),
            format!("{}, and no message", describe_exit(status)),
        )
        .harms(SILENT));
    }
    Ok(())
}

/// Waits at most `limit` until `rival` exits, and returns its status; no status if it serves instead. Returns `None` if
/// neither happens.
fn await_end(
    server: &Server,
    rival: &mut Instance,
    limit: Duration,
) -> check::Result<Option<Option<ExitStatus>>> {
    let mut looks = 0;
    // A server that tries several times to bind takes long on a busy machine.
    rival.stopwatch(server.deadlines()).wait(limit, |left| {
        until(left, || {
            looks = if waits_at_pipes(server, rival) { looks + 1 } else { 0 };
            let serves = looks == LOOKS || holds_address(server, rival);
            Ok((rival.ended().is_some() || serves).then(|| rival.ended()))
        })
    })
}

fn holds_address(server: &Server, rival: &Instance) -> bool {
    let holds = |process: &Process| {
        let sockets = sockets_at_address(server, process.pid).unwrap_or_default();
        sockets.iter().any(|(_, socket)| socket.listening)
    };
    rival.processes().is_ok_and(|processes| processes.iter().any(holds))
}

/// Whether a process of `rival` waits for clients at named pipes of the server.
fn waits_at_pipes(server: &Server, rival: &Instance) -> bool {
    let waits = |process: &Process| waits_at_named_pipes(server, process.pid);
    rival.processes().is_ok_and(|processes| processes.iter().any(waits))
}

/// Describes a second instance that serves beside the first, and the likely cause. `replaced` tells whether the first
/// one's files were replaced.
fn describe_rival(server: &Server, replaced: bool) -> (&'static str, &'static str) {
    let listens = "it listens beside the first";
    let waits = "it waits for clients beside the first";
    match (server.address(), names_sockets(server)) {
        (Address::Inet(_), _) => (listens, "SO_REUSEPORT, or SO_REUSEADDR with UDP, lets both bind"),
        (_, true) => {
            (listens, "it unlinked the path and bound it again, although the first instance is running")
        }
        (_, false) if replaced => {
            (waits, "it removed the named pipes and made its own, although the first instance is running")
        }
        // A new file can have the inode number of one that was removed.
        _ => (waits, "it uses the named pipes of the first instance, or removed them and made its own"),
    }
}

fn names_sockets(server: &Server) -> bool {
    server.spec().capabilities().contains(Capabilities::SOCKET_PATH)
}
