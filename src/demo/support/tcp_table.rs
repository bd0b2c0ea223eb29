//! The kernel's table of TCP connections, including those that no process holds.

use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;

use super::run::DemoRun;
use crate::check::{self, Finding};
use crate::deadline::until;
use crate::diagram::Snapshot;
use crate::sys::{self, Object, Socket, SocketName, TcpState};

/// One row of the kernel's table of TCP connections: one end of a connection, or a listening socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TcpEntry {
    pub local: SocketAddr,
    pub remote: SocketAddr,
    pub state: TcpState,
}

/// Reads the kernel's TCP connections between `server` and `clients` until `claim` holds, and returns them. Returns
/// `None` and verifies nothing if the system does not show its table.
pub fn read_until(
    demo: &mut DemoRun<'_>,
    server: SocketAddr,
    clients: &[SocketAddr],
    claim: &str,
    holds: impl Fn(&[TcpEntry]) -> bool,
) -> check::Result<Option<Vec<TcpEntry>>> {
    let mut last = Vec::new();
    let found = until(demo.deadlines().no_progress(), || match read_table(server, clients) {
        Err(error) if error.kind() == io::ErrorKind::Unsupported => Ok(Some(None)),
        Err(error) => Err(Finding::broken("the kernel's table of connections", error.to_string())),
        Ok(ends) => {
            last = ends;
            Ok(holds(&last).then(|| Some(last.clone())))
        }
    })?;
    if found != Some(None) {
        demo.verify(claim, found.is_some(), format!("{last:?}"))?;
    }
    Ok(found.flatten())
}

/// Reads the table of TCP connections. The kernel lists each end by its local port. A client's port may have an older
/// connection with another server: that is left out.
fn read_table(server: SocketAddr, clients: &[SocketAddr]) -> io::Result<Vec<TcpEntry>> {
    let ports: BTreeSet<_> = [&server].into_iter().chain(clients).map(SocketAddr::port).collect();
    let mut ends = Vec::new();
    for port in ports {
        let states = sys::tcp_sockets(port)?.into_iter();
        ends.extend(states.map(|(local, remote, state)| TcpEntry { local, remote, state }));
    }
    ends.retain(|end| end.local == server || end.remote == server);
    Ok(ends)
}

/// Returns the ends of the TCP connection between `one` and `other` that the kernel still lists.
pub fn connections_between(ends: &[TcpEntry], one: SocketAddr, other: SocketAddr) -> Vec<&TcpEntry> {
    let names = [(one, other), (other, one)];
    ends.iter().filter(|end| names.contains(&(end.local, end.remote))).collect()
}

/// Shows a table of TCP connections that [`read_until`] has returned, or says that there is none.
pub fn show_table(
    demo: &mut DemoRun<'_>,
    table: Option<Vec<TcpEntry>>,
    snapshot: &Snapshot,
) -> check::Result {
    match table {
        Some(table) => demo.show_lines(&lines(&table, snapshot)),
        None => demo.explain("(This system does not show its table of connections.)"),
    }
}

/// Formats the table of TCP connections, with the descriptor of `snapshot` that holds each end.
fn lines(ends: &[TcpEntry], snapshot: &Snapshot) -> Vec<String> {
    let line = |local: &str, remote: &str, state: &str, holder: &str| {
        format!("{local:<18}{remote:<18}{state:<13}{holder}")
    };
    let heading = line("local address", "remote address", "state", "held by");
    let described = ends.iter().map(|end| {
        let remote = if end.state == TcpState::Listen { "-".into() } else { end.remote.to_string() };
        line(&end.local.to_string(), &remote, &end.state.to_string(), &holder(end, snapshot))
    });
    std::iter::once(heading).chain(described).collect()
}

fn holder(end: &TcpEntry, snapshot: &Snapshot) -> String {
    let names = |object: &Object| match object {
        Object::Socket(Socket { name: SocketName::Tcp(local, remote), .. }) => {
            (*local, *remote) == (end.local, end.remote)
        }
        _ => false,
    };
    let rows =
        snapshot.processes.iter().flat_map(|process| process.rows.iter().map(move |row| (process, row)));
    let mut holding = rows.filter(|(_, row)| names(&row.object));
    let (process, row) = match holding.next() {
        Some(holder) => holder,
        None => return "no process".into(),
    };
    format!("{}, descriptor {}", process.label, row.number)
}
