//! Finds the descriptors of processes, and the processes at their other ends.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io;
use std::os::fd::RawFd;

use nix::unistd::Pid;

use crate::diagram::ProcessState;
use crate::sys::{self, DescriptorEnd, DescriptorSnapshot, Object, Peer, Process, Socket, SocketName};

/// The result of inspecting processes: their descriptors at one moment.
#[derive(Debug)]
pub struct Inspection {
    /// The inspected processes, in the order in which the caller named them.
    pub processes: Vec<InspectedProcess>,
    /// The number of other processes whose descriptors this user may not see. Each of them can hold the other end of
    /// an inspected descriptor.
    pub hidden: usize,
}

/// One inspected process, with its descriptors.
#[derive(Debug)]
pub struct InspectedProcess {
    /// The process id of an inspected process.
    pub pid: Pid,
    /// The file name of the program that an inspected process executes.
    pub program: String,
    /// The state of an inspected process: it runs, sleeps, is stopped or has exited.
    pub state: ProcessState,
    /// The descriptors of an inspected process, or `None` if this user may not see them.
    pub descriptors: Option<Vec<InspectedDescriptor>>,
}

/// One descriptor of an inspected process, and the descriptors that are connected with it.
#[derive(Debug)]
pub struct InspectedDescriptor {
    /// The object that an inspected descriptor refers to: an end of a pipe, connection or the like.
    pub end: DescriptorEnd,
    /// The descriptors that hold the other end of the pipe, connection or other object.
    pub peers: Vec<DescriptorHolder>,
    /// The other descriptors that hold the same end of a pipe or connection. The end stays open as long as one of
    /// them does.
    pub sharers: Vec<DescriptorHolder>,
    /// The listening sockets at the other end of a connection that has not been accepted yet.
    pub listeners: Vec<DescriptorHolder>,
}

/// A descriptor that holds an end of a pipe, connection or other object, and its process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescriptorHolder {
    /// The id of the process that holds the descriptor.
    pub pid: Pid,
    /// The file name of the program that the process holding the descriptor executes.
    pub program: String,
    /// The number of the descriptor that holds an end of an object.
    pub number: RawFd,
}

/// The reason why processes cannot be inspected.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    /// A process cannot be inspected, because no process has this id.
    #[error("there is no process {0}; `ps -e` lists all processes")]
    NoProcess(Pid),
    /// The system does not show the descriptors of processes.
    #[error("this system does not show the descriptors of a process")]
    Unsupported,
    /// The system failed to show the descriptors of processes.
    #[error("cannot read the tables of processes and sockets")]
    Unreadable(#[source] io::Error),
}

/// Inspects the processes `pids`. Reads the descriptors of every process of the system, to find the other ends of
/// their pipes and connections.
///
/// # Errors
/// [`InspectError`] if a process does not exist, or if the system does not show descriptors.
pub fn inspect(pids: &[Pid]) -> Result<Inspection, InspectError> {
    let inspection = inspect_once(pids)?;
    // A socket that was made after the socket tables were read is not in them. A second reading finds it.
    let mut descriptors =
        inspection.processes.iter().flat_map(|process| process.descriptors.iter().flatten());
    if descriptors.any(is_missing_from_tables) { inspect_once(pids) } else { Ok(inspection) }
}

fn is_missing_from_tables(descriptor: &InspectedDescriptor) -> bool {
    match &descriptor.end.object {
        Object::Socket(Socket { name: SocketName::Other, .. }) => true,
        Object::Socket(Socket { name: SocketName::Unix(_), listening: false, .. }) => {
            descriptor.end.peer == Peer::Named
        }
        _ => false,
    }
}

fn inspect_once(pids: &[Pid]) -> Result<Inspection, InspectError> {
    let snapshot = DescriptorSnapshot::read_from_kernel().map_err(InspectError::from)?;
    let processes = sys::processes().map_err(InspectError::from)?;
    let mut all = Vec::with_capacity(processes.len());
    for process in &processes {
        match snapshot.descriptors(process.pid) {
            Ok(ends) => all.push((process, Some(ends))),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => all.push((process, None)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
    }
    let all = AllProcesses { all: &all };
    let processes: Result<Vec<_>, InspectError> = pids.iter().map(|&pid| all.inspect(pid)).collect();
    Ok(Inspection { processes: processes?, hidden: all.hidden(pids) })
}

/// Returns the processes `pids` and all their descendants, each once.
///
/// # Errors
/// [`InspectError`] if the system does not list processes.
pub fn with_descendants(pids: &[Pid]) -> Result<Vec<Pid>, InspectError> {
    let processes = sys::processes().map_err(InspectError::from)?;
    let children = |parent: Pid| {
        let children = processes.iter().filter(|process| process.parent == parent);
        children.map(|process| process.pid).collect::<BTreeSet<_>>().into_iter().collect()
    };
    Ok(sys::with_descendants(pids.to_vec(), children))
}

impl From<io::Error> for InspectError {
    fn from(error: io::Error) -> InspectError {
        match error.kind() {
            io::ErrorKind::Unsupported => InspectError::Unsupported,
            _ => InspectError::Unreadable(error),
        }
    }
}

/// Every process of the system, with its descriptors if this user may see them.
struct AllProcesses<'a> {
    all: &'a [(&'a Process, Option<Vec<DescriptorEnd>>)],
}

impl AllProcesses<'_> {
    /// Returns the number of processes other than `pids` whose descriptors this user may not see.
    fn hidden(&self, pids: &[Pid]) -> usize {
        let hidden = self.all.iter().filter(|(_, ends)| ends.is_none());
        hidden.filter(|(process, _)| !pids.contains(&process.pid)).count()
    }

    fn inspect(&self, pid: Pid) -> Result<InspectedProcess, InspectError> {
        let found = self.all.iter().find(|(process, _)| process.pid == pid);
        let (process, ends) = found.ok_or(InspectError::NoProcess(pid))?;
        let inspect = |end: &DescriptorEnd| self.inspect_descriptor(pid, end);
        Ok(InspectedProcess {
            pid,
            program: program(process),
            state: ProcessState::of(process),
            descriptors: ends.as_ref().map(|ends| ends.iter().map(inspect).collect()),
        })
    }

    fn inspect_descriptor(&self, pid: Pid, end: &DescriptorEnd) -> InspectedDescriptor {
        let mut descriptor = InspectedDescriptor {
            end: end.clone(),
            peers: Vec::new(),
            sharers: self.holders(pid, end, |other| is_same_end(end, other)),
            listeners: Vec::new(),
        };
        if end.has_local_peer() == Some(true) {
            descriptor.peers = self.holders(pid, end, |other| end.is_connected_to(other));
            if descriptor.peers.is_empty() {
                descriptor.listeners = self.holders(pid, end, |other| other.is_listener_for(end));
            }
        }
        descriptor
    }

    /// Returns every descriptor of the system whose end `matches`, except `end` itself. The descriptors of process
    /// `pid` come first.
    fn holders(
        &self,
        pid: Pid,
        end: &DescriptorEnd,
        matches: impl Fn(&DescriptorEnd) -> bool,
    ) -> Vec<DescriptorHolder> {
        let mut found = Vec::new();
        for (process, ends) in self.all {
            let holding = ends.iter().flatten().filter(|other| matches(other));
            let others = holding.filter(|other| process.pid != pid || other.number != end.number);
            found.extend(others.map(|other| DescriptorHolder {
                pid: process.pid,
                program: program(process),
                number: other.number,
            }));
        }
        found.sort_by_key(|holder| (holder.pid != pid, holder.pid, holder.number));
        found
    }
}

/// Returns whether both descriptors refer to the same end of a pipe, the same socket, or the same side of a terminal.
fn is_same_end(one: &DescriptorEnd, two: &DescriptorEnd) -> bool {
    match (&one.object, &two.object) {
        (Object::Pipe { id }, Object::Pipe { id: same }) => {
            (id, one.device, one.access) == (same, two.device, two.access)
        }
        (Object::Socket(one), Object::Socket(two)) => one.id == two.id,
        _ => {
            matches!((one.peer, two.peer), (Peer::Terminal(one), Peer::Terminal(two)) if one == two)
        }
    }
}

fn program(process: &Process) -> String {
    let path = sys::executable(process.pid);
    let name = path.as_deref().and_then(|path| path.file_name()).map(OsStr::to_string_lossy);
    name.map_or_else(|| process.name.clone(), Into::into)
}
