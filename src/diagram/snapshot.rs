//! A snapshot of processes, their descriptor tables, and the objects that connect them.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fmt;
use std::io;
use std::os::fd::RawFd;
use std::path::PathBuf;

use super::open_files::number_descriptions;
use super::process::{DescriptorRow, ObjectId, Process, ProcessState};
use super::selection::ProcessSelection;
use crate::check::{self, Finding};
use crate::sys::{self, AccessMode, DescriptorSnapshot, OpenFile, Peer};

/// Identifies a descriptor in a snapshot: the index of a process, and the index of a row in that process.
pub type RowIndex = (usize, usize);

/// A snapshot for a diagram: processes, their descriptors, and the objects that connect them, at one moment.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The processes of a snapshot, in the order in which a diagram shows them.
    pub processes: Vec<Process>,
    /// The objects that connect visible descriptors of a snapshot.
    pub shared: Vec<SharedObject>,
    /// The remarks of a diagram. The key is the index of a process and, for a remark below one row, the index of that
    /// row in the process.
    pub notes: BTreeMap<(usize, Option<usize>), Vec<String>>,
    /// The directory whose files a diagram shows by their names alone, without the path.
    pub short_paths_in: Option<PathBuf>,
}

/// An object that several visible descriptors refer to, drawn as a line between them.
#[derive(Debug, Clone)]
pub struct SharedObject {
    /// The id of an object that several descriptors refer to.
    pub id: ObjectId,
    /// The descriptors that refer to a shared object, from top to bottom of the diagram.
    pub ends: Vec<RowIndex>,
}

impl Snapshot {
    /// Takes a snapshot: reads the selected processes and descriptors from the kernel.
    ///
    /// # Errors
    /// Unsupported if the system does not show processes and their descriptors.
    pub fn read_from_kernel(selections: &[ProcessSelection]) -> check::Result<Snapshot> {
        let listed = sys::processes().map_err(|error| cannot_read("a list of processes", &error))?;
        // Which Unix domain sockets are connected with each other, if the system tells.
        let survey = DescriptorSnapshot::read_from_kernel().ok();
        let read = |selection| read_process(selection, &listed, survey.as_ref());
        let processes: check::Result<Vec<_>> = selections.iter().map(read).collect();
        let mut processes = processes?;
        number_descriptions(&mut processes);
        Ok(Snapshot::from_processes(processes))
    }

    /// Creates a snapshot of `processes`, and finds the objects that connect them.
    #[must_use]
    pub fn from_processes(processes: Vec<Process>) -> Snapshot {
        let mut snapshot =
            Snapshot { processes, shared: Vec::new(), notes: BTreeMap::new(), short_paths_in: None };
        snapshot.find_shared_objects();
        snapshot
    }

    fn find_shared_objects(&mut self) {
        let mut shared: Vec<SharedObject> = Vec::new();
        for (index, row) in self.rows().filter(|(_, row)| row.visible) {
            let Some(id) = row.id() else { continue };
            match shared.iter_mut().find(|object| object.id == id) {
                Some(object) => object.ends.push(index),
                None => shared.push(SharedObject { id, ends: vec![index] }),
            }
        }
        shared.retain(|object| object.ends.len() > 1 && self.can_carry_bytes(object));
        self.shared = shared;
    }

    /// Returns whether bytes can flow between the processes that refer to `object`. Returns false for a pipe whose
    /// visible ends are all write ends, or all read ends: two processes that share one standard error are not
    /// connected by it.
    fn can_carry_bytes(&self, object: &SharedObject) -> bool {
        let access = |&(process, row): &RowIndex| self.processes[process].rows[row].access;
        let first = object.ends.first().and_then(access);
        matches!(object.id, ObjectId::Description(_))
            || !matches!(first, Some(AccessMode::ReadOnly | AccessMode::WriteOnly))
            || object.ends.iter().any(|end| access(end) != first)
    }

    /// Iterates over every descriptor of a snapshot, from top to bottom.
    fn rows(&self) -> impl Iterator<Item = (RowIndex, &DescriptorRow)> {
        self.processes.iter().enumerate().flat_map(|(process, of)| {
            of.rows.iter().enumerate().map(move |(index, row)| ((process, index), row))
        })
    }

    /// Returns the process with this label in a snapshot.
    #[must_use]
    pub fn process(&self, label: &str) -> Option<&Process> {
        self.processes.iter().find(|process| process.label == label)
    }

    /// Returns descriptor `number` of the process with this label in a snapshot.
    #[must_use]
    pub fn row(&self, label: &str, number: RawFd) -> Option<&DescriptorRow> {
        self.process(label)?.rows.iter().find(|row| row.number == number)
    }

    /// Returns every descriptor of a snapshot that refers to the object `id`, including invisible ones.
    #[must_use]
    pub fn holders(&self, id: ObjectId) -> Vec<(&Process, &DescriptorRow)> {
        let holding = self.rows().filter(|(_, row)| row.id() == Some(id));
        holding.map(|((process, _), row)| (&self.processes[process], row)).collect()
    }

    /// Returns whether exactly these descriptors of the snapshot refer to one object: none of them to another, and
    /// no other descriptor to this one.
    #[must_use]
    pub fn is_held_by_exactly(&self, descriptors: &[(&str, RawFd)]) -> bool {
        let Some(&(label, number)) = descriptors.first() else { return false };
        let Some(id) = self.row(label, number).and_then(DescriptorRow::id) else { return false };
        let holders = self.holders(id);
        let held_by = |wanted: &(&str, RawFd)| {
            holders.iter().any(|(process, row)| (process.label.as_str(), row.number) == *wanted)
        };
        holders.len() == descriptors.len() && descriptors.iter().all(held_by)
    }
}

fn read_process(
    selection: &ProcessSelection,
    listed: &[sys::Process],
    survey: Option<&DescriptorSnapshot>,
) -> check::Result<Process> {
    let process = listed.iter().find(|process| process.pid == selection.pid);
    let state = process.map_or(ProcessState::Gone, ProcessState::of);
    let rows = if state.has_exited() { Vec::new() } else { read_rows(selection, survey)? };
    let program = sys::executable(selection.pid).and_then(|path| path.file_name().map(OsStr::to_owned));
    let program = program.map(|name| name.to_string_lossy().into_owned());
    Ok(Process {
        label: selection.label.clone(),
        program: program.or_else(|| process.map(|process| process.name.clone())).unwrap_or_default(),
        pid: selection.pid,
        parent: process.map(|process| process.parent),
        state,
        rows,
    })
}

fn read_rows(
    selection: &ProcessSelection,
    survey: Option<&DescriptorSnapshot>,
) -> check::Result<Vec<DescriptorRow>> {
    let table = sys::descriptors(selection.pid).map_err(|error| cannot_read("a descriptor table", &error))?;
    let ends = survey.and_then(|survey| survey.descriptors(selection.pid).ok()).unwrap_or_default();
    let row = |descriptor: sys::Descriptor| {
        let visible = selection.includes(&descriptor);
        let sys::Descriptor { number, object } = descriptor;
        let open = sys::open_file(selection.pid, number).ok();
        let access = open.as_ref().and_then(access_mode);
        let peer = ends.iter().find(|end| end.number == number).and_then(|end| match end.peer {
            Peer::UnixSocket(peer) => Some(peer),
            _ => None,
        });
        DescriptorRow {
            visible,
            open,
            peer,
            shows_flags: selection.shows_flags,
            ..DescriptorRow::new(number, object, access)
        }
    };
    Ok(table.into_iter().map(row).collect())
}

fn access_mode(open: &OpenFile) -> Option<AccessMode> {
    match (open.readable, open.writable) {
        (true, true) => Some(AccessMode::ReadWrite),
        (true, false) => Some(AccessMode::ReadOnly),
        (false, true) => Some(AccessMode::WriteOnly),
        (false, false) => None,
    }
}

/// Converts the error of reading `what` about a process from the kernel into a finding.
pub(crate) fn cannot_read(what: &str, error: &io::Error) -> Finding {
    match error.kind() {
        io::ErrorKind::Unsupported => Finding::unsupported(what, "this system does not show it"),
        _ => Finding::broken(what, error.to_string()),
    }
}

/// Formats a snapshot with one line for each process, for the report of a claim that does not hold.
impl fmt::Display for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, process) in self.processes.iter().enumerate() {
            let line_break = if index > 0 { "\n" } else { "" };
            write!(f, "{line_break}{} ({}), {}:", process.label, process.pid, process.state)?;
            for row in process.rows.iter().filter(|row| row.visible) {
                write!(f, " {}={};", row.number, row.object)?;
            }
        }
        Ok(())
    }
}
