//! What was seen as a snapshot: boxes, lines between them, and below each descriptor who is at its other end.

use std::collections::BTreeMap;
use std::fmt;

use super::{Held, Holder, Subject, View};
use crate::diagram::{ObjectId, Process, Row, SharedObject, Snapshot};
use crate::sys::{AccessMode, Object, Peer, SocketName};
use crate::text::printable;

/// So many holders are named; of more, their number.
const NAMED: usize = 4;

impl View {
    /// The processes asked for, and what joins them.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let mut snapshot = Snapshot::of(self.subjects.iter().map(process).collect());
        for (place, subject) in self.subjects.iter().enumerate() {
            let Some(held) = &subject.held else {
                snapshot.notes.insert((place, None), vec![UNSEEN.into()]);
                continue;
            };
            for (row, held) in held.iter().enumerate() {
                snapshot.notes.insert((place, Some(row)), self.notes(held));
            }
        }
        self.tie(&mut snapshot);
        snapshot
    }

    /// Joins what no object shared by both shows: the two sockets of a Unix connection, the sides of a terminal.
    fn tie(&self, snapshot: &mut Snapshot) {
        let mut groups: BTreeMap<ObjectId, Vec<(usize, usize)>> = BTreeMap::new();
        for (place, subject) in self.subjects.iter().enumerate() {
            for (row, held) in subject.held.iter().flatten().enumerate() {
                if let Some(shared) = tie(held) {
                    groups.entry(shared).or_default().push((place, row));
                }
            }
        }
        for (id, ends) in groups {
            let sides = ends.iter().map(|&(place, row)| self.peer(place, row)).collect::<Vec<_>>();
            if sides.iter().any(|side| *side != sides[0]) {
                snapshot.shared.retain(|joint| joint.ends.iter().all(|end| !ends.contains(end)));
                snapshot.shared.push(SharedObject { id, ends });
            }
        }
    }

    fn peer(&self, place: usize, row: usize) -> Option<Peer> {
        Some(self.subjects[place].held.as_ref()?.get(row)?.end.peer)
    }

    /// What is to be said of a descriptor besides its name.
    fn notes(&self, held: &Held) -> Vec<String> {
        let mut notes = Vec::new();
        if has_notes(&held.end.object) && !held.end.detail.is_empty() {
            notes.push(printable(&held.end.detail));
        }
        notes.extend(self.other_end(held));
        if !held.sharers.is_empty() {
            notes.push(format!("also held by {}", list(&held.sharers)));
        }
        notes
    }

    /// Who holds the other end, or why nobody is named.
    #[must_use]
    pub fn other_end(&self, held: &Held) -> Option<String> {
        match held.end.has_local_peer() {
            None => None,
            Some(false) => Some("other end: on another machine".into()),
            Some(true) if !held.others.is_empty() => Some(format!("other end: {}", list(&held.others))),
            Some(true) if !held.awaiting.is_empty() => {
                Some(format!("other end: not accepted yet; {} listens there", list(&held.awaiting)))
            }
            Some(true) if held.end.peer == Peer::NotAccepted => Some("other end: not accepted yet".into()),
            Some(true) if held.end.peer == Peer::Closed => Some("other end: closed".into()),
            Some(true) if held.end.access == Some(AccessMode::ReadWrite) && is_pipe(held) => {
                Some("other end: this very descriptor, which is open for both".into())
            }
            Some(true) => Some(self.nobody(held)),
        }
    }

    fn nobody(&self, held: &Held) -> String {
        if self.hidden > 0 {
            let hidden = if self.hidden == 1 { "1 is" } else { &format!("{} are", self.hidden) };
            return format!("other end: in no process that may be seen; {hidden} hidden (permission denied)");
        }
        let so = match (&held.end.object, held.end.access) {
            (Object::Pipe { .. }, Some(AccessMode::ReadOnly)) => {
                "; a read from the empty pipe gives end of file"
            }
            (Object::Pipe { .. }, Some(AccessMode::WriteOnly)) => "; a write gives EPIPE",
            _ => "",
        };
        format!("other end: nobody holds it{so}")
    }
}

fn is_pipe(held: &Held) -> bool {
    matches!(held.end.object, Object::Pipe { .. })
}

const UNSEEN: &str = "(its descriptors cannot be seen: permission denied; run as root, or as its user)";

fn process(subject: &Subject) -> Process {
    let row = |held: &Held| Row::new(held.end.number, dressed(held), held.end.access);
    Process {
        label: printable(&subject.program),
        program: String::new(),
        pid: subject.pid,
        parent: None,
        state: subject.state.clone(),
        rows: subject.held.iter().flatten().map(row).collect(),
    }
}

/// The object with its detail in one line, of those that nothing else is said about.
fn dressed(held: &Held) -> Object {
    let (object, detail) = (&held.end.object, &held.end.detail);
    let name = match object {
        Object::Other(name) => name.trim_start_matches("anon_inode:").trim_matches(['[', ']']).to_owned(),
        other if has_notes(other) || detail.is_empty() => return other.clone(),
        other => other.to_string(),
    };
    Object::Other(if detail.is_empty() { name } else { format!("{name}, {detail}") })
}

fn has_notes(object: &Object) -> bool {
    matches!(object, Object::Pipe { .. } | Object::Socket(_))
}

fn tie(held: &Held) -> Option<ObjectId> {
    match (&held.end.object, held.end.peer) {
        (Object::Socket(socket), Peer::UnixSocket(peer)) if matches!(socket.name, SocketName::Unix(_)) => {
            Some(ObjectId::Pair(socket.id.min(peer), socket.id.max(peer)))
        }
        (_, Peer::Terminal(number) | Peer::TerminalMaster(number)) => Some(ObjectId::Terminal(number)),
        _ => None,
    }
}

fn list(holders: &[Holder]) -> String {
    let mut text: Vec<_> = holders.iter().take(NAMED).map(ToString::to_string).collect();
    if holders.len() > NAMED {
        text.push(format!("{} more", holders.len() - NAMED));
    }
    text.join(", ")
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}) fd {}", printable(&self.program), self.pid, self.number)
    }
}
