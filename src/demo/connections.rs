//! The kernel's table of TCP connections, with those that no process holds any more.

use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;

use super::picture::{Picture, Player, Row};
use super::story::Story;
use crate::check::{self, Finding};
use crate::deadline::until;
use crate::sys::{self, Object, Socket, SocketName, TcpState};

/// One end of a connection, or a listening socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct End {
    pub local: SocketAddr,
    pub remote: SocketAddr,
    pub state: TcpState,
}

/// Reads the table of the connections between `server` and `clients` until it bears out `claim`. Nothing, and
/// nothing claimed, where the system does not show it.
pub(super) fn observe(
    story: &mut Story<'_>,
    server: SocketAddr,
    clients: &[SocketAddr],
    claim: &str,
    is_so: impl Fn(&[End]) -> bool,
) -> check::Result<Option<Vec<End>>> {
    let mut last = Vec::new();
    let found = until(story.deadlines().no_progress(), || match table(server, clients) {
        Err(error) if error.kind() == io::ErrorKind::Unsupported => Ok(Some(None)),
        Err(error) => Err(Finding::broken("the kernel's table of connections", error.to_string())),
        Ok(ends) => {
            last = ends;
            Ok(is_so(&last).then(|| Some(last.clone())))
        }
    })?;
    if found != Some(None) {
        story.claim(claim, found.is_some(), format!("{last:?}"))?;
    }
    Ok(found.flatten())
}

/// The kernel lists each end by its local port, so the clients' ends stand under theirs. An earlier
/// connection of the same client's port, with another server, is none of ours.
fn table(server: SocketAddr, clients: &[SocketAddr]) -> io::Result<Vec<End>> {
    let ports: BTreeSet<_> = [&server].into_iter().chain(clients).map(SocketAddr::port).collect();
    let mut ends = Vec::new();
    for port in ports {
        let states = sys::tcp_sockets(port)?.into_iter();
        ends.extend(states.map(|(local, remote, state)| End { local, remote, state }));
    }
    ends.retain(|end| end.local == server || end.remote == server);
    Ok(ends)
}

/// The two ends of the connection between `one` and `other`, as far as the kernel still knows them.
pub(super) fn between(ends: &[End], one: SocketAddr, other: SocketAddr) -> Vec<&End> {
    let names = [(one, other), (other, one)];
    ends.iter().filter(|end| names.contains(&(end.local, end.remote))).collect()
}

/// Shows the table that was [observed](observe), or says why there is none.
pub(super) fn show(story: &mut Story<'_>, table: Option<Vec<End>>, picture: &Picture) -> check::Result {
    match table {
        Some(table) => story.show_lines(&lines(&table, picture)),
        None => story.tell("(This system does not show its table of connections.)"),
    }
}

/// The table as lines of text, with the descriptors of `picture` that hold each end.
fn lines(ends: &[End], picture: &Picture) -> Vec<String> {
    let line = |local: &str, remote: &str, state: &str, holder: &str| {
        format!("{local:<18}{remote:<18}{state:<13}{holder}")
    };
    let heading = line("local address", "remote address", "state", "held by");
    let described = ends.iter().map(|end| {
        let remote = if end.state == TcpState::Listen { "-".into() } else { end.remote.to_string() };
        line(&end.local.to_string(), &remote, &end.state.to_string(), &holder(end, picture))
    });
    std::iter::once(heading).chain(described).collect()
}

fn holder(end: &End, picture: &Picture) -> String {
    let names = |object: &Object| match object {
        Object::Socket(Socket { name: SocketName::Tcp(local, remote), .. }) => {
            (*local, *remote) == (end.local, end.remote)
        }
        _ => false,
    };
    let rows = picture.processes.iter().flat_map(|player| player.rows.iter().map(move |row| (player, row)));
    let mut holding = rows.filter(|(_, row)| names(&row.object));
    let (player, row) = match holding.next() {
        Some(holder) => holder,
        None => return "no process".into(),
    };
    format!("{}, descriptor {}", player.role, row.number)
}

impl Player {
    /// Its TCP sockets.
    pub fn sockets(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| row.local_address().is_some())
    }

    /// Whether it has so many listening and so many connected TCP sockets.
    #[must_use]
    pub fn holds(&self, listening: usize, connected: usize) -> bool {
        let listeners = self.sockets().filter(|socket| socket.listens()).count();
        listeners == listening && self.sockets().count() - listeners == connected
    }
}
