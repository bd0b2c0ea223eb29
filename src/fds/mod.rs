//! Who holds the other end: the descriptors of any running processes, and where each of them leads.
//!
//! [`look`] asks the kernel once about every process there is, so that the other ends are found wherever they are
//! held. Nothing is guessed: what this user may not see is said to be unseen.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io;
use std::os::fd::RawFd;

use nix::unistd::Pid;

use crate::diagram::ProcessState;
use crate::sys::{self, DescriptorEnd, DescriptorSnapshot, Object, Peer, Process, Socket, SocketName};

mod json;
mod launch;
mod to_snapshot;

pub use json::Data;
pub use launch::{Launched, Settled};

/// What was seen at one moment.
#[derive(Debug)]
pub struct View {
    /// The processes asked for, in that order.
    pub subjects: Vec<Subject>,
    /// How many other processes this user may not look into: any of them may hold an end that nobody else does.
    pub hidden: usize,
}

/// A process that was asked for.
#[derive(Debug)]
pub struct Subject {
    /// Its number.
    pub pid: Pid,
    /// The file name of its program.
    pub program: String,
    /// How it is.
    pub state: ProcessState,
    /// Its descriptors; none if they must not be seen.
    pub held: Option<Vec<Held>>,
}

/// One of its descriptors.
#[derive(Debug)]
pub struct Held {
    /// The descriptor itself.
    pub end: DescriptorEnd,
    /// Who holds the other end.
    pub others: Vec<Holder>,
    /// Who else holds this very end: it stays open for as long as one of them has it.
    pub sharers: Vec<Holder>,
    /// Who listens at the other end, and has not accepted this connection yet.
    pub awaiting: Vec<Holder>,
}

/// A process and its descriptor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The process.
    pub pid: Pid,
    /// The file name of its program.
    pub program: String,
    /// The number it knows the end by.
    pub number: RawFd,
}

/// Why there is nothing to see.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    /// No process has this number.
    #[error("there is no process {0}; `ps -e` lists those that there are")]
    NoProcess(Pid),
    /// The system does not tell.
    #[error("this system does not tell which descriptors a process holds")]
    Unsupported,
    /// The system fails to.
    #[error("cannot read the tables of processes and sockets")]
    Unreadable(#[source] io::Error),
}

/// Looks at `pids`, and at every other process for what they have in common.
///
/// # Errors
/// [`InspectError`], where one of them does not exist or nothing at all can be seen.
pub fn look(pids: &[Pid]) -> Result<View, InspectError> {
    let view = look_once(pids)?;
    // A socket that was made between the look at the tables and that at the process is in no table yet.
    let has_news = view.subjects.iter().flat_map(|subject| subject.held.iter().flatten()).any(is_untold);
    if has_news { look_once(pids) } else { Ok(view) }
}

fn is_untold(held: &Held) -> bool {
    match &held.end.object {
        Object::Socket(Socket { name: SocketName::Other, .. }) => true,
        Object::Socket(Socket { name: SocketName::Unix(_), listening: false, .. }) => {
            held.end.peer == Peer::Named
        }
        _ => false,
    }
}

fn look_once(pids: &[Pid]) -> Result<View, InspectError> {
    let survey = DescriptorSnapshot::take().map_err(InspectError::from)?;
    let processes = sys::processes().map_err(InspectError::from)?;
    let mut all = Vec::with_capacity(processes.len());
    for process in &processes {
        match survey.descriptors(process.pid) {
            Ok(ends) => all.push((process, Some(ends))),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => all.push((process, None)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
    }
    let known = Known { all: &all };
    let subjects: Result<Vec<_>, InspectError> = pids.iter().map(|&pid| known.subject(pid)).collect();
    let hidden = all.iter().filter(|(process, ends)| ends.is_none() && !pids.contains(&process.pid)).count();
    Ok(View { subjects: subjects?, hidden })
}

/// `pids`, and all that descend from them, each once.
///
/// # Errors
/// [`InspectError`], where processes cannot be listed.
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

/// Every process with its descriptors, if they may be seen.
struct Known<'a> {
    all: &'a [(&'a Process, Option<Vec<DescriptorEnd>>)],
}

impl Known<'_> {
    fn subject(&self, pid: Pid) -> Result<Subject, InspectError> {
        let found = self.all.iter().find(|(process, _)| process.pid == pid);
        let (process, ends) = found.ok_or(InspectError::NoProcess(pid))?;
        let held = ends.as_ref().map(|ends| ends.iter().map(|end| self.held(pid, end)).collect());
        Ok(Subject { pid, program: program(process), state: ProcessState::of(process), held })
    }

    fn held(&self, pid: Pid, end: &DescriptorEnd) -> Held {
        let others = if leads_somewhere(end) {
            self.holders(pid, end, |other| end.is_connected_to(other))
        } else {
            Vec::new()
        };
        let unclaimed = others.is_empty() && leads_somewhere(end);
        let awaiting =
            if unclaimed { self.holders(pid, end, |other| other.is_listener_for(end)) } else { Vec::new() };
        let sharers = self.holders(pid, end, |other| is_one_end(end, other));
        Held { end: end.clone(), others, sharers, awaiting }
    }

    /// Every descriptor but `end` itself for which `is_so`, the process's own first.
    fn holders(&self, pid: Pid, end: &DescriptorEnd, is_so: impl Fn(&DescriptorEnd) -> bool) -> Vec<Holder> {
        let mut found = Vec::new();
        for (process, ends) in self.all {
            let holding = ends.iter().flatten().filter(|other| is_so(other));
            let others = holding.filter(|other| process.pid != pid || other.number != end.number);
            found.extend(others.map(|other| Holder {
                pid: process.pid,
                program: program(process),
                number: other.number,
            }));
        }
        found.sort_by_key(|holder| (holder.pid != pid, holder.pid, holder.number));
        found
    }
}

fn leads_somewhere(end: &DescriptorEnd) -> bool {
    end.has_local_peer() == Some(true)
}

/// Whether both are one end of a pipe, or one socket.
fn is_one_end(one: &DescriptorEnd, two: &DescriptorEnd) -> bool {
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
