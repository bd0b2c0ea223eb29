//! What a demo shows: processes, their descriptor tables, and the objects that connect them.
//!
//! A picture is taken from the living kernel at one moment and knows nothing of the story. Two rows are
//! *joined* when they refer to the same pipe or socket, or to the two ends of one connection. A renderer
//! turns it into boxes and lines; a story asks it whether what it tells is so.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;
use std::net::SocketAddr;
use std::os::fd::RawFd;

use nix::unistd::Pid;

use super::access::AccessMode;
pub use super::actor::Actor;
use super::sharing::find_descriptions;
use crate::check::{self, Finding};
use crate::sys::{self, DescriptorSnapshot, Object, OpenFile, Peer, Process, Socket, SocketName};

/// Processes and what joins them, at one moment.
#[derive(Debug, Clone)]
pub struct Picture {
    /// In the order in which the story names them.
    pub processes: Vec<Player>,
    /// Every object through which visible rows are connected.
    pub joints: Vec<Joint>,
    /// What is known of a descriptor, or of a whole process, beyond the picture: by the index of the process and
    /// that of the row in it.
    pub notes: BTreeMap<(usize, Option<usize>), Vec<String>>,
}

/// One process of a picture.
#[derive(Debug, Clone)]
pub struct Player {
    /// The part it plays, unique in its picture.
    pub role: String,
    /// The file name of its program.
    pub program: String,
    /// Its number.
    pub pid: Pid,
    /// Who will be told of its end, while the kernel knows it.
    pub parent: Option<Pid>,
    /// How it is.
    pub condition: Condition,
    /// Its descriptors, in ascending order.
    pub rows: Vec<Row>,
}

/// How a process is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// It lives; where its main thread sleeps in the kernel, if it does and the system tells.
    Alive(Option<String>),
    /// SIGSTOP or its like holds it.
    Stopped,
    /// It has ended, and its parent has not yet asked how.
    Zombie,
    /// The kernel knows it no more.
    Gone,
}

/// One descriptor.
#[derive(Debug, Clone)]
pub struct Row {
    /// Its number.
    pub number: RawFd,
    /// What it refers to.
    pub object: Object,
    /// The other end of a Unix domain socket, by its id, if the system tells.
    pub peer: Option<u64>,
    /// What the process may do with it, if the system tells.
    pub access: Option<AccessMode>,
    /// False for one that the picture knows but leaves out.
    pub visible: bool,
    /// Its open file description, if the system shows it.
    pub open: Option<OpenFile>,
    /// The same number for every descriptor in this picture that shares this file's open file description.
    pub description: Option<usize>,
    /// Whether its flags are part of the story.
    pub tells_flags: bool,
}

/// What two descriptors have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Shared {
    /// The same pipe, by its id.
    Pipe(u64),
    /// The very same socket, by its id.
    Socket(u64),
    /// The two ends of one connection, by both addresses, the lower one first.
    Connection(SocketAddr, SocketAddr),
    /// Two Unix domain sockets that are connected with each other, by their ids, the lower one first.
    Pair(u64, u64),
    /// The two sides of a pseudo-terminal, by its number.
    Terminal(u32),
    /// The same open file description of a file, by its number in this picture.
    Description(usize),
}

/// An object that joins visible rows, and where it is held.
#[derive(Debug, Clone)]
pub struct Joint {
    /// The object.
    pub shared: Shared,
    /// Index of the process and of the row in it, from top to bottom.
    pub ends: Vec<(usize, usize)>,
}

impl Picture {
    /// Looks at the kernel now.
    ///
    /// # Errors
    /// Unsupported where the system does not show processes and their descriptors.
    pub fn take(cast: &[Actor]) -> check::Result<Picture> {
        let known = sys::processes().map_err(|error| unseen("a list of processes", &error))?;
        // Which Unix domain sockets are connected with each other, where the system tells.
        let survey = DescriptorSnapshot::take().ok();
        let look = |actor| Player::look(actor, &known, survey.as_ref());
        let processes: check::Result<Vec<_>> = cast.iter().map(look).collect();
        let mut processes = processes?;
        find_descriptions(&mut processes);
        Ok(Picture::of(processes))
    }

    /// These processes, and what joins them.
    #[must_use]
    pub fn of(processes: Vec<Player>) -> Picture {
        let mut picture = Picture { processes, joints: Vec::new(), notes: BTreeMap::new() };
        picture.join();
        picture
    }

    fn join(&mut self) {
        let mut joints: Vec<Joint> = Vec::new();
        for (place, row) in self.places().filter(|(_, row)| row.visible) {
            let Some(shared) = row.shared() else { continue };
            match joints.iter_mut().find(|joint| joint.shared == shared) {
                Some(joint) => joint.ends.push(place),
                None => joints.push(Joint { shared, ends: vec![place] }),
            }
        }
        joints.retain(|joint| joint.ends.len() > 1 && self.bytes_pass(joint));
        self.joints = joints;
    }

    /// False for a pipe whose visible ends are all write ends, say: two processes with one standard error.
    fn bytes_pass(&self, joint: &Joint) -> bool {
        let access = |&(process, row): &(usize, usize)| self.processes[process].rows[row].access;
        let first = joint.ends.first().and_then(access);
        matches!(joint.shared, Shared::Description(_))
            || !matches!(first, Some(AccessMode::ReadOnly | AccessMode::WriteOnly))
            || joint.ends.iter().any(|end| access(end) != first)
    }

    /// Every row, top to bottom, with the index of its process and its own index there.
    fn places(&self) -> impl Iterator<Item = ((usize, usize), &Row)> {
        self.processes.iter().enumerate().flat_map(|(process, player)| {
            player.rows.iter().enumerate().map(move |(place, row)| ((process, place), row))
        })
    }

    /// The process that plays `role`.
    #[must_use]
    pub fn player(&self, role: &str) -> Option<&Player> {
        self.processes.iter().find(|player| player.role == role)
    }

    /// Descriptor `number` of the process that plays `role`.
    #[must_use]
    pub fn row(&self, role: &str, number: RawFd) -> Option<&Row> {
        self.player(role)?.rows.iter().find(|row| row.number == number)
    }

    /// Every descriptor of these processes, left-out ones included, that holds `shared`.
    #[must_use]
    pub fn holders(&self, shared: Shared) -> Vec<(&Player, &Row)> {
        let holding = self.places().filter(|(_, row)| row.shared() == Some(shared));
        holding.map(|((player, _), row)| (&self.processes[player], row)).collect()
    }

    /// Whether these descriptors, and no others of these processes, hold one object.
    #[must_use]
    pub fn joins(&self, descriptors: &[(&str, RawFd)]) -> bool {
        let Some(&(role, number)) = descriptors.first() else { return false };
        let Some(shared) = self.row(role, number).and_then(Row::shared) else { return false };
        let holders = self.holders(shared);
        let held_by = |wanted: &(&str, RawFd)| {
            holders.iter().any(|(player, row)| (player.role.as_str(), row.number) == *wanted)
        };
        holders.len() == descriptors.len() && descriptors.iter().all(held_by)
    }
}

impl Player {
    fn look(actor: &Actor, known: &[Process], survey: Option<&DescriptorSnapshot>) -> check::Result<Player> {
        let process = known.iter().find(|process| process.pid == actor.pid);
        let condition = condition(process);
        let rows = if condition.is_ended() { Vec::new() } else { rows(actor, survey)? };
        let program = sys::executable(actor.pid).and_then(|path| path.file_name().map(OsStr::to_owned));
        let program = program.map(|name| name.to_string_lossy().into_owned());
        Ok(Player {
            role: actor.role.clone(),
            program: program.or_else(|| process.map(|process| process.name.clone())).unwrap_or_default(),
            pid: actor.pid,
            parent: process.map(|process| process.parent),
            condition,
            rows,
        })
    }

    /// The numbers of its descriptors, as far as they are shown.
    #[must_use]
    pub fn numbers(&self) -> Vec<RawFd> {
        self.rows.iter().filter(|row| row.visible).map(|row| row.number).collect()
    }

    /// Its connected sockets.
    pub fn connections(&self) -> impl Iterator<Item = (RawFd, Shared)> {
        self.rows.iter().filter_map(|row| match row.shared() {
            Some(shared @ Shared::Connection(..)) => Some((row.number, shared)),
            _ => None,
        })
    }
}

impl Condition {
    /// How a process is that the kernel lists.
    #[must_use]
    pub fn of(process: &Process) -> Condition {
        match process {
            Process { zombie: true, .. } => Condition::Zombie,
            Process { stopped: true, .. } => Condition::Stopped,
            process => Condition::Alive(sys::wait_channel(process.pid)),
        }
    }

    /// Whether it has ended, so that it has no descriptors.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        matches!(self, Condition::Zombie | Condition::Gone)
    }
}

fn condition(process: Option<&Process>) -> Condition {
    process.map_or(Condition::Gone, Condition::of)
}

fn rows(actor: &Actor, survey: Option<&DescriptorSnapshot>) -> check::Result<Vec<Row>> {
    let table = sys::descriptors(actor.pid).map_err(|error| unseen("a descriptor table", &error))?;
    let ends = survey.and_then(|survey| survey.descriptors(actor.pid).ok()).unwrap_or_default();
    let row = |descriptor: sys::Descriptor| {
        let visible = actor.shows(&descriptor);
        let sys::Descriptor { number, object } = descriptor;
        let open = sys::open_file(actor.pid, number).ok();
        let access = open.as_ref().and_then(AccessMode::of);
        let peer = ends.iter().find(|end| end.number == number).and_then(|end| match end.peer {
            Peer::UnixSocket(peer) => Some(peer),
            _ => None,
        });
        Row { visible, open, peer, tells_flags: actor.tells_flags, ..Row::new(number, object, access) }
    };
    Ok(table.into_iter().map(row).collect())
}

/// What the system would not show, as a finding.
pub(super) fn unseen(what: &str, error: &io::Error) -> Finding {
    match error.kind() {
        io::ErrorKind::Unsupported => Finding::unsupported(what, "this system does not show it"),
        _ => Finding::broken(what, error.to_string()),
    }
}

impl Row {
    /// One that is shown, and of which no more is known.
    #[must_use]
    pub fn new(number: RawFd, object: Object, access: Option<AccessMode>) -> Row {
        Row {
            number,
            object,
            peer: None,
            access,
            visible: true,
            open: None,
            description: None,
            tells_flags: false,
        }
    }

    /// What it may have in common with other descriptors.
    #[must_use]
    pub fn shared(&self) -> Option<Shared> {
        match &self.object {
            Object::Pipe { id } => Some(Shared::Pipe(*id)),
            Object::Socket(Socket { listening: false, name: SocketName::Tcp(local, remote), .. }) => {
                Some(Shared::Connection(*local.min(remote), *local.max(remote)))
            }
            Object::Socket(Socket { id, .. }) => Some(match self.peer {
                Some(peer) => Shared::Pair(*id.min(&peer), *id.max(&peer)),
                None => Shared::Socket(*id),
            }),
            Object::File(_) => self.description.map(Shared::Description),
            _ => None,
        }
    }

    /// Whether it is a socket that waits for connections.
    #[must_use]
    pub fn listens(&self) -> bool {
        matches!(&self.object, Object::Socket(socket) if socket.listening)
    }

    /// The address of its own end, if it is a TCP socket.
    #[must_use]
    pub fn local_address(&self) -> Option<SocketAddr> {
        match &self.object {
            Object::Socket(Socket { name: SocketName::Tcp(local, _), .. }) => Some(*local),
            _ => None,
        }
    }
}
