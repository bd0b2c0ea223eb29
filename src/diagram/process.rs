//! A process in a diagram: its label, its state and its descriptor table.

use std::fmt;
use std::net::SocketAddr;
use std::os::fd::RawFd;

use nix::unistd::Pid;

use crate::sys::{self, AccessMode, Object, OpenFile, Socket, SocketName};

/// A process, drawn as a box in a diagram.
#[derive(Debug, Clone)]
pub struct Process {
    /// The label of a process in a diagram, unique in its snapshot: `client`, `parent`.
    pub label: String,
    /// The file name of the program that a process executes.
    pub program: String,
    /// The process id of a process in a diagram.
    pub pid: Pid,
    /// The parent of the process, unless the process has been reaped.
    pub parent: Option<Pid>,
    /// The state of the process: it runs, sleeps, is stopped or has exited.
    pub state: ProcessState,
    /// The descriptors of a process, in ascending order.
    pub rows: Vec<DescriptorRow>,
}

/// The state of a process, as a diagram shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProcessState {
    /// The process has not exited. If its main thread is blocked and the system says where: the name of the kernel
    /// function.
    Alive(Option<String>),
    /// A signal such as SIGSTOP has stopped the process.
    Stopped,
    /// The process has exited, and its parent has not called waitpid(2) yet.
    Zombie,
    /// The process has been reaped: the kernel no longer lists it.
    Gone,
}

/// A descriptor of a process, drawn as a row of the process's box.
#[derive(Debug, Clone)]
pub struct DescriptorRow {
    /// The number of a descriptor.
    pub number: RawFd,
    /// The object that a descriptor refers to, such as a pipe.
    pub object: Object,
    /// The id of the socket at the other end of a Unix domain socket, if the object is one and the system names its
    /// peer.
    pub peer: Option<u64>,
    /// The access mode of the descriptor, if the system shows it.
    pub access: Option<AccessMode>,
    /// False for a descriptor that a snapshot knows, but no diagram shows.
    pub visible: bool,
    /// The open file description of the descriptor, if the system shows it.
    pub open: Option<OpenFile>,
    /// A number that identifies the open file description of a file within this snapshot, if the system can compare
    /// them.
    pub description: Option<usize>,
    /// Whether the diagram shows the flags of the descriptor.
    pub shows_flags: bool,
}

/// Identifies an object that several descriptors can refer to, such as a pipe or a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ObjectId {
    /// Identifies a pipe by its id.
    Pipe(u64),
    /// Identifies a socket by its id.
    Socket(u64),
    /// Identifies a TCP connection with its two sockets by both addresses, the lower one first.
    Connection(SocketAddr, SocketAddr),
    /// Identifies two connected Unix domain sockets by their ids, the lower one first.
    Pair(u64, u64),
    /// Identifies a pseudo-terminal with both its sides by its number.
    Terminal(u32),
    /// Identifies an open file description by its [number in the snapshot](DescriptorRow::description).
    Description(usize),
}

impl Process {
    /// Returns the numbers of a process's descriptors that a diagram shows.
    #[must_use]
    pub fn descriptor_numbers(&self) -> Vec<RawFd> {
        self.rows.iter().filter(|row| row.visible).map(|row| row.number).collect()
    }

    /// Iterates over the descriptors of a process that are TCP sockets.
    pub fn tcp_sockets(&self) -> impl Iterator<Item = &DescriptorRow> {
        self.rows.iter().filter(|row| row.local_address().is_some())
    }

    /// Iterates over the descriptors of a process that are connected TCP sockets, each with its connection.
    pub fn connections(&self) -> impl Iterator<Item = (RawFd, ObjectId)> {
        self.rows.iter().filter_map(|row| match row.id() {
            Some(id @ ObjectId::Connection(..)) => Some((row.number, id)),
            _ => None,
        })
    }

    /// Returns whether the process has exactly this many listening and connected TCP sockets.
    #[must_use]
    pub fn has_tcp_sockets(&self, listening: usize, connected: usize) -> bool {
        let listeners = self.tcp_sockets().filter(|socket| socket.listens()).count();
        listeners == listening && self.tcp_sockets().count() - listeners == connected
    }
}

impl ProcessState {
    /// Returns the state of a process that the kernel lists.
    #[must_use]
    pub fn of(process: &sys::Process) -> ProcessState {
        match process {
            sys::Process { zombie: true, .. } => ProcessState::Zombie,
            sys::Process { stopped: true, .. } => ProcessState::Stopped,
            process => ProcessState::Alive(sys::wait_channel(process.pid)),
        }
    }

    /// Returns whether the process has exited, so that it has no descriptors.
    #[must_use]
    pub fn has_exited(&self) -> bool {
        matches!(self, ProcessState::Zombie | ProcessState::Gone)
    }
}

impl fmt::Display for ProcessState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ProcessState::Alive(None) => f.write_str("alive"),
            ProcessState::Alive(Some(function)) => write!(f, "blocked in {function}"),
            ProcessState::Stopped => f.write_str("stopped by a signal"),
            ProcessState::Zombie => f.write_str("zombie: exited, not yet reaped"),
            ProcessState::Gone => f.write_str("reaped"),
        }
    }
}

impl DescriptorRow {
    /// Creates a visible row of a diagram from a descriptor's number, object and access mode, without further
    /// properties.
    #[must_use]
    pub fn new(number: RawFd, object: Object, access: Option<AccessMode>) -> DescriptorRow {
        DescriptorRow {
            number,
            object,
            peer: None,
            access,
            visible: true,
            open: None,
            description: None,
            shows_flags: false,
        }
    }

    /// Returns the id of the object that a descriptor refers to, or `None` if the object cannot be identified.
    #[must_use]
    pub fn id(&self) -> Option<ObjectId> {
        match &self.object {
            Object::Pipe { id } => Some(ObjectId::Pipe(*id)),
            Object::Socket(Socket { listening: false, name: SocketName::Tcp(local, remote), .. }) => {
                Some(ObjectId::Connection(*local.min(remote), *local.max(remote)))
            }
            Object::Socket(Socket { id, .. }) => Some(match self.peer {
                Some(peer) => ObjectId::Pair(*id.min(&peer), *id.max(&peer)),
                None => ObjectId::Socket(*id),
            }),
            Object::File(_) => self.description.map(ObjectId::Description),
            _ => None,
        }
    }

    /// Returns whether the descriptor is a listening socket.
    #[must_use]
    pub fn listens(&self) -> bool {
        matches!(&self.object, Object::Socket(socket) if socket.listening)
    }

    /// Returns the local address of a descriptor that is a TCP socket.
    #[must_use]
    pub fn local_address(&self) -> Option<SocketAddr> {
        match &self.object {
            Object::Socket(Socket { name: SocketName::Tcp(local, _), .. }) => Some(*local),
            _ => None,
        }
    }
}
