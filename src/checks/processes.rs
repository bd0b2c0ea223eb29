//! The processes that a server makes for its clients, and the sockets that they hold.

use std::collections::HashSet;
use std::path::Path;

use nix::unistd::Pid;

use crate::check::{self, Finding};
use crate::server::Server;
use crate::sys::{self, Descriptor, Object, Process, Socket, SocketName};
use crate::text::one_line;
use crate::transport::{Address, fifo_paths};

/// Returns the processes of the server that are not among `known`.
pub(super) fn new_processes(server: &Server, known: &[Process]) -> check::Result<Vec<Process>> {
    let known: HashSet<Pid> = known.iter().map(|process| process.pid).collect();
    Ok(server.processes()?.into_iter().filter(|process| !known.contains(&process.pid)).collect())
}

/// Returns the sockets at the server's address that process `pid` holds: the listener, and the server's ends of connections.
pub(super) fn sockets_at_address(server: &Server, pid: Pid) -> check::Result<Vec<(Descriptor, Socket)>> {
    let table = server.descriptors(pid)?;
    let sockets = table.into_iter().filter_map(|descriptor| match &descriptor.object {
        Object::Socket(socket) if belongs(server.address(), &socket.name) => {
            let socket = socket.clone();
            Some((descriptor, socket))
        }
        _ => None,
    });
    Ok(sockets.collect())
}

fn belongs(address: &Address, name: &SocketName) -> bool {
    match (address, name) {
        (Address::Inet(server), SocketName::Tcp(local, _) | SocketName::Udp(local, _)) => {
            local.port() == server.port()
        }
        (Address::Path(server), SocketName::Unix(Some(path))) => path == server,
        _ => false,
    }
}

/// The devices and inodes of a server's socket file and of its two named pipes.
pub(super) type FileIdentity = [Option<(u64, u64)>; 3];

/// Returns the device and inode of the server's socket file, or of each of its named pipes. `None` stands for a file that
/// does not exist.
pub(super) fn file_identity(server: &Server) -> FileIdentity {
    use std::os::unix::fs::MetadataExt;
    let identity = |path: &Path| {
        let meta = path.symlink_metadata().ok()?;
        Some((meta.dev(), meta.ino()))
    };
    let Some(path) = server.address().path() else { return [None; 3] };
    let (input, output) = fifo_paths(path);
    [identity(path), identity(&input), identity(&output)]
}

/// Whether `process` waits for clients at named pipes of the server: it is blocked while it opens one (fifo(7)), or while
/// it holds one open.
pub(super) fn waits_at_named_pipes(server: &Server, process: Pid) -> bool {
    let [_, input, output] = file_identity(server);
    let inodes: Vec<u64> = [input, output].into_iter().flatten().map(|(_, inode)| inode).collect();
    if inodes.is_empty() || sys::all_threads_blocked(process) != Some(true) {
        return false;
    }
    let is_open = |table: Vec<Descriptor>| {
        // Pipes have inodes of their own, and the harness gave the process pipes as its standard descriptors.
        let own = table.iter().filter(|descriptor| descriptor.number > 2);
        own.into_iter().any(|one| matches!(one.object, Object::Pipe { id } if inodes.contains(&id)))
    };
    let opens = |channel: &String| OPENS_NAMED_PIPE.iter().any(|part| channel.contains(part));
    sys::wait_channels(process).iter().any(opens) || server.descriptors(process).is_ok_and(is_open)
}

/// Parts of the names of kernel functions in which a thread waits for the other end of a named pipe.
const OPENS_NAMED_PIPE: &[&str] = &["wait_for_partner", "fifo_open"];

/// Formats the id and the name of a process: `4711 (cat)`.
pub(super) fn pid_and_name(process: &Process) -> String {
    format!("{} ({})", process.pid, one_line(&process.name))
}

/// Creates the finding that `process`, a child of the server, holds a descriptor which it should not hold.
pub(super) fn unexpected_descriptor(process: &Process, wanted: &str, descriptor: &Descriptor) -> Finding {
    let actual = format!(
        "process {} holds {} as descriptor {}",
        pid_and_name(process),
        descriptor.object,
        descriptor.number
    );
    Finding::fail(wanted, actual)
}
