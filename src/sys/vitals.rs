//! How a process fares: what it uses, what it waits for, which signals it will hear.
//!
//! | contract | Linux | macOS | elsewhere |
//! |---|---|---|---|
//! | [`vitals`] | `/proc/PID/stat` | `proc_pidinfo` | unsupported |
//! | [`signals`] | `/proc/PID/status` | unsupported | unsupported |
//! | [`waits_to_write_to_pipe`] | `/proc/PID/task/*/wchan` | unsupported | unsupported |
//! | [`tcp_queues`] | `/proc/net/tcp` | unsupported | unsupported |
//! | [`sleepers`] | `/proc/PID/task/*/syscall` | unsupported | unsupported |
//! | [`scheduling`] | `/proc/PID/task/*/schedstat` | unsupported | unsupported |
//! | [`acknowledge_at_once`] | `TCP_QUICKACK` | unsupported | unsupported |
//! | [`state`] | `/proc/PID/stat` | `proc_pidinfo` | – |
//! | [`is_at_rest`] | `/proc/PID/task/*/stat` | – | – |
//! | [`waits`] | `/proc/PID/task/*/wchan` | – | – |
//! | [`command_line`] | `/proc/PID/cmdline` | `KERN_PROCARGS2` | – |
//! | [`peak_memory`] | `/proc/PID/status` | unsupported | unsupported |

use std::io;
use std::net::SocketAddr;
use std::os::fd::{BorrowedFd, RawFd};
use std::time::Duration;

use nix::unistd::Pid;

use super::vital_signs as system;

/// What a process has used so far, and uses now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Vitals {
    /// Processor time of all its threads, in user and kernel mode.
    pub cpu: Duration,
    /// Its threads.
    pub threads: usize,
    /// Its resident memory, in bytes.
    pub resident: u64,
}

/// What the scheduler has given to threads, and what they had to wait for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Scheduling {
    /// How long they ran.
    pub ran: Duration,
    /// How long they were ready to run while others had the processors.
    pub queued: Duration,
}

/// Signals as bits: signal N is bit N − 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SignalSets {
    /// Held back until they are unblocked.
    pub blocked: u64,
    /// Never delivered.
    pub ignored: u64,
}

/// What the kernel holds of one direction-pair of a TCP connection, at one of its ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Queues {
    /// Bytes written here that the other end has not acknowledged.
    pub unacknowledged: usize,
    /// Bytes received here that no program has read.
    pub unread: usize,
}

/// A thread that sleeps in a system call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sleeper {
    /// The thread's number; the main thread's is that of its process.
    pub thread: Pid,
    /// Where in the kernel it sleeps.
    pub place: String,
    /// The first argument of its system call: for those that wait on a descriptor, such as read(2) and accept(2),
    /// that descriptor.
    pub waits_on: RawFd,
}

/// What `pid` uses.
///
/// # Errors
/// `NotFound` once it has gone; `Unsupported` where the system does not tell.
pub fn vitals(pid: Pid) -> io::Result<Vitals> {
    system::vitals(pid)
}

/// Which signals `pid` blocks and ignores.
///
/// # Errors
/// As [`vitals`].
pub fn signals(pid: Pid) -> io::Result<SignalSets> {
    system::signals(pid)
}

/// Whether some thread of `pid` waits for room in a pipe: it is in the middle of a write(2).
///
/// # Errors
/// As [`vitals`].
pub fn waits_to_write_to_pipe(pid: Pid) -> io::Result<bool> {
    system::waits_to_write_to_pipe(pid)
}

/// What waits at the end at `local` of the TCP connection with `remote`; `None` if there is none.
///
/// # Errors
/// `Unsupported` where the system does not tell.
pub fn tcp_queues(local: SocketAddr, remote: SocketAddr) -> io::Result<Option<Queues>> {
    system::tcp_queues(local, remote)
}

/// What the scheduler has given to the threads of `pid` that live now.
///
/// # Errors
/// As [`vitals`].
pub fn scheduling(pid: Pid) -> io::Result<Scheduling> {
    system::scheduling(pid)
}

/// Has the kernel acknowledge what arrives on a TCP socket next without delay; it goes back to its habit soon
/// (tcp(7)).
///
/// # Errors
/// `Unsupported` where the system always decides for itself.
pub fn acknowledge_at_once(socket: BorrowedFd<'_>) -> io::Result<()> {
    system::acknowledge_at_once(socket)
}

/// What `pid` is at, in the scheduler's terms: `running`, `sleeping`, `stopped by a signal` …; `None` once it has gone,
/// or where the system does not tell.
#[must_use]
pub fn state(pid: Pid) -> Option<&'static str> {
    system::state(pid)
}

/// Whether every thread of `pid` waits for something; `None` where the system does not tell, or it has gone.
#[must_use]
pub fn is_at_rest(pid: Pid) -> Option<bool> {
    system::is_at_rest(pid)
}

/// What the threads of `pid` are blocked in, the main thread's place first, each place once.
#[must_use]
pub fn waits(pid: Pid) -> Vec<String> {
    system::waits(pid)
}

/// The words that `pid` was started with; none once it has gone, or where the system does not tell.
#[must_use]
pub fn command_line(pid: Pid) -> Vec<String> {
    system::command_line(pid)
}

/// The most memory that `pid` has ever had resident, in bytes.
///
/// # Errors
/// As [`vitals`].
pub fn peak_memory(pid: Pid) -> io::Result<u64> {
    system::peak_memory(pid)
}

/// The threads of `pid` that sleep in a system call whose first argument can be a descriptor, in the order of their
/// numbers.
///
/// # Errors
/// `PermissionDenied` where the system lets nobody look; else as [`vitals`].
pub fn sleepers(pid: Pid) -> io::Result<Vec<Sleeper>> {
    system::sleepers(pid)
}
