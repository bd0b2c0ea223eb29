//! The processes that a server makes for its clients, and the sockets that they hold.

use std::collections::HashSet;

use nix::unistd::Pid;

use crate::check::{self, Finding};
use crate::server::Server;
use crate::sys::{Descriptor, Object, Process, Socket, SocketName};
use crate::text::one_line;
use crate::transport::Address;

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

/// Returns the device and inode of the server's socket file, if there is one.
pub(super) fn file_identity(server: &Server) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    let meta = server.address().path()?.symlink_metadata().ok()?;
    Some((meta.dev(), meta.ino()))
}

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
