//! Converts an inspection into a diagram, with a note below each descriptor that describes its other end.

use std::collections::BTreeMap;
use std::fmt;

use super::inspect::{DescriptorHolder, InspectedDescriptor, InspectedProcess, Inspection};
use crate::diagram::{DescriptorRow, ObjectId, Process, RowIndex, SharedObject, Snapshot};
use crate::sys::{AccessMode, Object, Peer, SocketName};
use crate::text::printable;

/// The maximum number of descriptors that a note in the diagram names.
const MAX_NAMED: usize = 4;

const NOT_VISIBLE: &str = "(descriptors not visible: permission denied; run as root or as the owner)";

impl Inspection {
    /// Returns the diagram of the inspected processes.
    #[must_use]
    pub fn to_snapshot(&self) -> Snapshot {
        let mut snapshot = Snapshot::from_processes(self.processes.iter().map(process).collect());
        for (index, process) in self.processes.iter().enumerate() {
            let Some(descriptors) = &process.descriptors else {
                snapshot.notes.insert((index, None), vec![NOT_VISIBLE.into()]);
                continue;
            };
            for (row, descriptor) in descriptors.iter().enumerate() {
                snapshot.notes.insert((index, Some(row)), self.notes(descriptor));
            }
        }
        self.connect_pairs(&mut snapshot);
        snapshot
    }

    /// Connects, in the diagram, descriptors of objects that have a different name at each end: the two sockets of a
    /// Unix connection, the two sides of a terminal.
    fn connect_pairs(&self, snapshot: &mut Snapshot) {
        let mut pairs: BTreeMap<ObjectId, Vec<RowIndex>> = BTreeMap::new();
        for (index, process) in self.processes.iter().enumerate() {
            for (row, descriptor) in process.descriptors.iter().flatten().enumerate() {
                if let Some(id) = pair_id(descriptor) {
                    pairs.entry(id).or_default().push((index, row));
                }
            }
        }
        for (id, ends) in pairs {
            let sides = ends.iter().map(|&end| self.peer(end)).collect::<Vec<_>>();
            if sides.iter().any(|side| *side != sides[0]) {
                snapshot.shared.retain(|object| object.ends.iter().all(|end| !ends.contains(end)));
                snapshot.shared.push(SharedObject { id, ends });
            }
        }
    }

    fn peer(&self, (process, row): RowIndex) -> Option<Peer> {
        Some(self.processes[process].descriptors.as_ref()?.get(row)?.end.peer)
    }

    fn notes(&self, descriptor: &InspectedDescriptor) -> Vec<String> {
        let mut notes = Vec::new();
        if has_notes(&descriptor.end.object) && !descriptor.end.detail.is_empty() {
            notes.push(printable(&descriptor.end.detail));
        }
        notes.extend(self.describe_other_end(descriptor).map(|text| format!("other end: {text}")));
        if !descriptor.sharers.is_empty() {
            notes.push(format!("also held by {}", list(&descriptor.sharers)));
        }
        notes
    }

    /// Describes the other end of a descriptor's pipe, connection or terminal: the descriptors that hold it, or why
    /// none is known. Returns `None` if the object has no other end.
    #[must_use]
    pub fn describe_other_end(&self, descriptor: &InspectedDescriptor) -> Option<String> {
        let end = &descriptor.end;
        Some(match end.has_local_peer()? {
            false => "on another machine".into(),
            true if !descriptor.peers.is_empty() => list(&descriptor.peers),
            true if !descriptor.listeners.is_empty() => {
                format!("not accepted yet; {} listens there", list(&descriptor.listeners))
            }
            true if end.peer == Peer::NotAccepted => "not accepted yet".into(),
            true if end.peer == Peer::Closed => "closed".into(),
            true if end.access == Some(AccessMode::ReadWrite) && is_pipe(descriptor) => {
                "this descriptor itself, which is open for reading and writing".into()
            }
            true => self.unknown_holder(descriptor),
        })
    }

    fn unknown_holder(&self, descriptor: &InspectedDescriptor) -> String {
        if self.hidden > 0 {
            let processes = if self.hidden == 1 { "process" } else { "processes" };
            return format!("in no visible process; permission denied for {} {processes}", self.hidden);
        }
        let consequence = match (&descriptor.end.object, descriptor.end.access) {
            (Object::Pipe { .. }, Some(AccessMode::ReadOnly)) => {
                "; a read from the empty pipe returns end of file"
            }
            (Object::Pipe { .. }, Some(AccessMode::WriteOnly)) => "; a write fails with EPIPE",
            _ => "",
        };
        format!("no process{consequence}")
    }
}

fn is_pipe(descriptor: &InspectedDescriptor) -> bool {
    matches!(descriptor.end.object, Object::Pipe { .. })
}

fn process(process: &InspectedProcess) -> Process {
    let row =
        |it: &InspectedDescriptor| DescriptorRow::new(it.end.number, object_with_detail(it), it.end.access);
    Process {
        label: printable(&process.program),
        program: String::new(),
        pid: process.pid,
        parent: None,
        state: process.state.clone(),
        rows: process.descriptors.iter().flatten().map(row).collect(),
    }
}

/// Returns the object that a descriptor refers to, without notes, and with the detail added to its name.
fn object_with_detail(descriptor: &InspectedDescriptor) -> Object {
    let (object, detail) = (&descriptor.end.object, &descriptor.end.detail);
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

/// Returns the id that both sides of a Unix connection or of a terminal have in common.
fn pair_id(descriptor: &InspectedDescriptor) -> Option<ObjectId> {
    match (&descriptor.end.object, descriptor.end.peer) {
        (Object::Socket(socket), Peer::UnixSocket(peer)) if matches!(socket.name, SocketName::Unix(_)) => {
            Some(ObjectId::Pair(socket.id.min(peer), socket.id.max(peer)))
        }
        (_, Peer::Terminal(number) | Peer::TerminalMaster(number)) => Some(ObjectId::Terminal(number)),
        _ => None,
    }
}

fn list(holders: &[DescriptorHolder]) -> String {
    let mut text: Vec<_> = holders.iter().take(MAX_NAMED).map(ToString::to_string).collect();
    if holders.len() > MAX_NAMED {
        text.push(format!("{} more", holders.len() - MAX_NAMED));
    }
    text.join(", ")
}

impl fmt::Display for DescriptorHolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}) fd {}", printable(&self.program), self.pid, self.number)
    }
}
