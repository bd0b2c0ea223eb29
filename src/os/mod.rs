//! Everything that differs between operating systems, and nothing else.
//!
//! One contract, kept by one whole file per system: [`linux.rs`](self) reads `/proc` and waits on
//! pidfds, `macos.rs` asks libproc and kqueue, `other.rs` says honestly that it cannot tell. What a
//! system cannot show is [`io::ErrorKind::Unsupported`], which a check turns into the outcome
//! *unsupported*, never into a failure of the server.
//!
//! | contract | Linux | macOS | elsewhere |
//! |---|---|---|---|
//! | [`processes`] | `/proc/PID/stat` | `proc_listpids`, `proc_pidinfo` | unsupported |
//! | [`descriptors`] | `/proc/PID/fd`, `/proc/net` | `proc_pidfdinfo` | unsupported |
//! | [`listens`] | `/proc/net/{tcp,udp,unix}` | descriptors of the server's processes | unsupported |
//! | [`tcp_states`] | `/proc/net/tcp` | unsupported | unsupported |
//! | [`has_mark`] | `/proc/PID/environ` | `KERN_PROCARGS2` | unsupported |
//! | [`wait_for_exit`] | pidfd | `NOTE_EXIT` | `NOTE_EXIT` |
//! | [`exit_status`] | `waitid` | `waitid` | `waitid` |
//! | [`program`] | `/proc/PID/exe` | `proc_pidpath` | – |
//! | [`unsent_bytes`] | `SIOCOUTQ` | `SO_NWRITE` | `FIONWRITE` (FreeBSD) |
//! | [`adopt_orphans`] | child sub-reaper | – | – |
//! | [`end_with_parent`] | `PR_SET_PDEATHSIG` | – | – |

use std::net::SocketAddr;
use std::os::fd::{OwnedFd, RawFd};
use std::path::PathBuf;
use std::process::{Command, ExitStatus};
use std::time::Duration;
use std::{fmt, io};

use nix::unistd::Pid;

use crate::verdict::printable;

mod binding;
mod forks;
mod inheritance;
mod inherited;
pub mod ipc;
mod limits;
pub mod machine;
mod seal;
mod vitals;

#[cfg(target_os = "linux")]
#[path = "linux.rs"]
mod system;
#[cfg(target_os = "macos")]
#[path = "macos.rs"]
mod system;
#[cfg(not(any(target_os = "linux", target_os = "macos")))]
#[path = "other.rs"]
mod system;

#[cfg(target_os = "linux")]
#[path = "vitals_linux.rs"]
mod vital_signs;
#[cfg(target_os = "macos")]
#[path = "vitals_macos.rs"]
mod vital_signs;
#[cfg(not(any(target_os = "linux", target_os = "macos")))]
#[path = "vitals_other.rs"]
mod vital_signs;

#[cfg(target_os = "linux")]
#[path = "timers_linux.rs"]
mod timers;
#[cfg(not(target_os = "linux"))]
#[path = "timers_other.rs"]
mod timers;

#[cfg(not(target_os = "linux"))]
mod kqueue;
#[cfg(target_os = "macos")]
mod procargs;
#[cfg(target_os = "linux")]
mod unix_table;

pub use forks::{between_launches, launching};
pub use inheritance::{Inheritance, bequeath, leave_session};
pub use inherited::inherited;
pub use limits::{
    descriptor_limit, expect_children, most_processes, raise_descriptor_limit, restore_descriptor_limit,
};
pub use seal::seal_descriptors;
pub use system::QUESTIONS;
pub use timers::wake_on_time;
pub use vitals::{
    Queues, Scheduling, SignalSets, Vitals, acknowledge_at_once, scheduling, signals, tcp_queues, vitals,
    waits_to_write_to_pipe,
};

/// One process as the kernel lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its process id.
    pub pid: Pid,
    /// The process that will be told of its death.
    pub parent: Pid,
    /// Its process group.
    pub group: Pid,
    /// The program's file name, at least its first 15 characters.
    pub name: String,
    /// True once it has ended and only waits to be reaped.
    pub zombie: bool,
    /// True while SIGSTOP or its like holds it.
    pub stopped: bool,
}

/// One entry of a process's descriptor table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Descriptor {
    /// The number the process knows it by.
    pub number: RawFd,
    /// What it refers to.
    pub object: Object,
}

/// What a descriptor refers to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Object {
    /// A pipe or FIFO; both of its ends carry the same id (on Linux the inode number).
    Pipe {
        /// The same number at both ends, in whichever process.
        id: u64,
    },
    /// A socket.
    Socket(Socket),
    /// A terminal, by its path.
    Terminal(PathBuf),
    /// A file, directory or device, by its path.
    File(PathBuf),
    /// Anything else, by the kernel's own name for it (`anon_inode:[eventpoll]`).
    Other(String),
}

/// One socket as the kernel lists it. Two descriptors with the same `id` share one socket.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Socket {
    /// The kernel's number for it (on Linux the inode number).
    pub id: u64,
    /// What it speaks and whom it speaks with.
    pub name: SocketName,
    /// True if it accepts connections; of datagram sockets, if anyone may send to it: a UDP socket without
    /// a peer, a Unix one with a name.
    pub listening: bool,
}

/// The addresses of a socket.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SocketName {
    /// TCP: local and remote address.
    Tcp(SocketAddr, SocketAddr),
    /// UDP: local and remote address.
    Udp(SocketAddr, SocketAddr),
    /// A Unix domain socket and the path it is bound to, `@name` for an abstract one.
    Unix(Option<PathBuf>),
    /// A socket of another family.
    Other,
}

/// The state of a TCP connection, as far as a check asks for it. RFC 9293 §3.3.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TcpState {
    /// Waiting for connections.
    Listen,
    /// Open both ways.
    Established,
    /// Closed here first, and kept so that late segments find their grave.
    TimeWait,
    /// Any other state.
    Other,
}

/// An address that a server may hold.
#[derive(Debug, Clone, Copy)]
pub enum Place<'a> {
    /// A TCP port on an address.
    Tcp(SocketAddr),
    /// A UDP port on an address.
    Udp(SocketAddr),
    /// A Unix domain socket's path, or `@name`.
    Unix(&'a std::path::Path),
}

impl Object {
    /// What kind of thing it is, in one word or two.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Object::Pipe { .. } => "pipes",
            Object::Socket(_) => "sockets",
            Object::Terminal(_) => "terminals",
            Object::File(_) => "files",
            Object::Other(_) => "kernel objects",
        }
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Object::Pipe { id } => write!(f, "pipe {id}"),
            Object::Socket(socket) => write!(f, "{socket}"),
            Object::Terminal(path) | Object::File(path) => f.write_str(&printable(&path.to_string_lossy())),
            Object::Other(name) => f.write_str(&printable(name)),
        }
    }
}

impl fmt::Display for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            SocketName::Tcp(local, _) if self.listening => write!(f, "TCP listener {local}"),
            SocketName::Tcp(local, remote) => write!(f, "TCP {local} ↔ {remote}"),
            SocketName::Udp(local, _) if self.listening => write!(f, "UDP {local}"),
            SocketName::Udp(local, remote) => write!(f, "UDP {local} ↔ {remote}"),
            SocketName::Unix(path) => {
                let role = if self.listening { "Unix listener" } else { "Unix socket" };
                match path {
                    Some(path) => write!(f, "{role} {}", printable(&path.to_string_lossy())),
                    None => write!(f, "{role} (unnamed, id {})", self.id),
                }
            }
            SocketName::Other => write!(f, "socket {}", self.id),
        }
    }
}

/// Every process this user may see, in no particular order.
///
/// # Errors
/// `Unsupported` where the system does not list processes.
pub fn processes() -> io::Result<Vec<Process>> {
    system::processes()
}

/// The children of `parent` now, zombies included. One can be missed while others end (proc(5)): look again,
/// or take [`processes`].
///
/// # Errors
/// `Unsupported` where the system does not list processes.
pub fn children(parent: Pid) -> io::Result<Vec<Process>> {
    system::children(parent)
}

/// Whether `process` is a child of this one, or an orphan that may descend from one: orphans become our own
/// children where there are sub-reapers, and children of init where there are none.
#[must_use]
pub fn may_be_ours(process: &Process) -> bool {
    system::may_be_ours(process)
}

/// The descriptor table of a process, in ascending order. A process that has ended has none.
///
/// # Errors
/// `PermissionDenied` for another user's process; `Unsupported` where the system does not tell.
pub fn descriptors(pid: Pid) -> io::Result<Vec<Descriptor>> {
    system::descriptors(pid)
}

/// How many descriptors a process has open, without asking what each one is.
///
/// # Errors
/// As [`descriptors`].
pub fn descriptor_count(pid: Pid) -> io::Result<usize> {
    system::descriptor_count(pid)
}

/// Claims `name` for this process alone among all that run now, without a trace in the file system; the
/// claim ends with the value. `None` where the system has no such names, and nothing is claimed.
///
/// # Errors
/// `AddrInUse` where another process holds the claim.
pub fn claim(name: &str) -> io::Result<Option<OwnedFd>> {
    system::claim(name)
}

/// Whether a socket is bound at `place`, and listening where that has a meaning. A socket bound to
/// the wildcard address counts. `holders` are the processes to ask on systems without one table of
/// all sockets.
///
/// # Errors
/// `Unsupported` where the system does not tell.
pub fn listens(place: Place<'_>, holders: &dyn Fn() -> Vec<Pid>) -> io::Result<bool> {
    system::listens(place, holders)
}

/// The states of all TCP connections whose local port is `port`, with both addresses. Includes those
/// that no process holds any more, such as TIME_WAIT.
///
/// # Errors
/// `Unsupported` where the system does not tell.
pub fn tcp_states(port: u16) -> io::Result<Vec<(SocketAddr, SocketAddr, TcpState)>> {
    system::tcp_states(port)
}

/// Whether the environment that `pid` was started with holds the variable `name` with `value`.
///
/// # Errors
/// `PermissionDenied` for another user's process; `Unsupported` where the system does not tell.
pub fn has_mark(pid: Pid, name: &str, value: &str) -> io::Result<bool> {
    system::has_mark(pid, name, value)
}

/// Blocks until `pid` has ended or `limit` has passed; true if it has ended. It is not reaped.
///
/// # Errors
/// Those of `pidfd_open(2)` or `kevent(2)`.
pub fn wait_for_exit(pid: Pid, limit: Duration) -> io::Result<bool> {
    system::wait_for_exit(pid, limit)
}

/// How `pid`, a child of this process, has ended; `None` while it lives. It stays a zombie: only so is its
/// number its own until every descendant has been found.
///
/// # Errors
/// `ECHILD` where it is no child of this process.
pub fn exit_status(pid: Pid) -> io::Result<Option<ExitStatus>> {
    system::exit_status(pid)
}

/// The path of the program that `pid` runs, which tells an exec from a mere fork.
#[must_use]
pub fn program(pid: Pid) -> Option<PathBuf> {
    system::program(pid)
}

/// What the main thread of `pid` is blocked in (`read`, `pipe_write` …), where the system tells.
#[must_use]
pub fn blocked_in(pid: Pid) -> Option<String> {
    system::blocked_in(pid)
}

/// From now on orphaned descendants become children of this process, so that it can reap them.
/// A system without sub-reapers leaves them to init.
pub fn adopt_orphans() {
    system::adopt_orphans();
}

/// Has the child of `command` killed when the thread that spawns it ends, where the system can.
pub fn end_with_parent(command: &mut Command) {
    system::end_with_parent(command);
}

/// Bytes sent on `socket` that its peer's kernel has not yet acknowledged.
///
/// # Errors
/// `Unsupported` where the system does not tell.
pub fn unsent_bytes(socket: std::os::fd::BorrowedFd<'_>) -> io::Result<usize> {
    system::unsent_bytes(socket)
}
