//! Which processes a server makes for its clients, and which of its sockets they hold.

use std::collections::HashSet;

use nix::unistd::Pid;

use crate::check::{self, Finding};
use crate::deadline::until;
use crate::server::Server;
use crate::sys::{Descriptor, Object, Process, Socket, SocketName};
use crate::text::one_line;
use crate::transport::Address;

/// The processes that the server has now and that are not among `known`.
pub(super) fn newcomers(server: &Server, known: &[Process]) -> check::Result<Vec<Process>> {
    let known: HashSet<Pid> = known.iter().map(|process| process.pid).collect();
    Ok(server.processes()?.into_iter().filter(|process| !known.contains(&process.pid)).collect())
}

/// The server's processes once no more come and go: one that forks its workers beforehand may still be at it.
pub(super) fn at_rest(server: &Server) -> check::Result<Vec<Process>> {
    let (mut last, mut seen) = (Vec::new(), 0);
    let settled = until(server.deadlines().exit(), || {
        let now = server.processes()?;
        seen = if now == last { seen + 1 } else { 0 };
        last.clone_from(&now);
        Ok((seen >= 8).then_some(now))
    })?;
    settled.map_or_else(|| server.processes(), Ok)
}

/// The sockets at the server's own address that `pid` holds: its listener, and its ends of connections.
pub(super) fn server_sockets(server: &Server, pid: Pid) -> check::Result<Vec<(Descriptor, Socket)>> {
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

/// `4711 (cat)`.
pub(super) fn called(process: &Process) -> String {
    format!("{} ({})", process.pid, one_line(&process.name))
}

/// A process of the server that holds what it should not.
pub(super) fn holds(process: &Process, wanted: &str, descriptor: &Descriptor) -> Finding {
    let actual = format!(
        "process {} holds {} as descriptor {}",
        called(process),
        descriptor.object,
        descriptor.number
    );
    Finding::fail(wanted, actual)
}
