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

use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::{Command, ExitStatus};
use std::time::Duration;

use nix::unistd::Pid;

mod covering;
mod ends;
mod forks;
mod inheritance;
mod inherited;
pub mod ipc;
mod limits;
pub mod machine;
mod object;
mod open_file;
mod peer;
mod persistent;
mod seal;
mod tap;
mod tcp_state;
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
#[path = "bound_linux.rs"]
mod bound;
#[cfg(target_os = "macos")]
#[path = "bound_macos.rs"]
mod bound;
#[cfg(not(any(target_os = "linux", target_os = "macos")))]
#[path = "bound_other.rs"]
mod bound;

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
#[path = "persistent_linux.rs"]
mod persistent_system;
#[cfg(not(target_os = "linux"))]
#[path = "persistent_other.rs"]
mod persistent_system;

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

pub use ends::{Access, End, Partner, Survey, access};
pub use forks::{between_launches, launching};
pub use inheritance::{Inheritance, leave_session, set_child_attributes};
pub use inherited::inherited;
pub use limits::{
    Container, container, descriptor_limit, expect_children, most_processes, raise_descriptor_limit,
    restore_descriptor_limit,
};
pub use object::{Descriptor, Object, Socket, SocketName};
pub use open_file::{OpenFile, open_file, same_open_file};
pub use peer::{Peer, peer};
pub use persistent::{IpcName, IpcObject, ipc_names_held, ipc_objects, ipc_users, remove_ipc};
pub use seal::seal_descriptors;
pub use system::QUESTIONS;
pub use tap::{Frame, Tap};
pub use tcp_state::TcpState;
pub use timers::wake_on_time;
pub use vitals::{
    Queues, Scheduling, SignalSets, Sleeper, Vitals, acknowledge_at_once, command_line, is_at_rest,
    peak_memory, scheduling, signals, sleepers, state, tcp_queues, vitals, waits, waits_to_write_to_pipe,
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
    bound::listens(place, holders)
}

/// The number of the socket that [`listens`] at `place`, if there is one.
///
/// # Errors
/// `Unsupported` where the system does not tell.
pub fn socket_at(place: Place<'_>) -> io::Result<Option<u64>> {
    bound::socket_at(place)
}

/// The states of all TCP connections whose local port is `port`, with both addresses. Includes those
/// that no process holds any more, such as TIME_WAIT.
///
/// # Errors
/// `Unsupported` where the system does not tell.
pub fn tcp_states(port: u16) -> io::Result<Vec<(SocketAddr, SocketAddr, TcpState)>> {
    bound::tcp_states(port)
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
