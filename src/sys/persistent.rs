//! Objects that live until somebody removes them, whoever made them: System V IPC, and the names of POSIX shared
//! memory, semaphores and message queues. sysvipc(7), shm_overview(7), sem_overview(7), mq_overview(7).
//!
//! | contract | Linux | elsewhere |
//! |---|---|---|
//! | [`ipc_objects`] | `/proc/sysvipc`, `/dev/shm`, `/dev/mqueue` | unsupported |
//! | [`ipc_users`] | the tables, `semctl(2)` with `GETPID` | nobody |
//! | [`ipc_names_held`] | `/proc/PID/fd`, `/proc/PID/maps` | none |
//! | [`remove_ipc`] | `shmctl(2)` and its like, `unlink(2)` | unsupported |

use std::fmt;
use std::io;
use std::path::PathBuf;

use nix::unistd::Pid;

use super::persistent_system as system;
use crate::text::one_line;

/// An object's name in the kernel, which no other gets while it is there, nor soon after.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum IpcName {
    /// A System V shared memory segment, by its id.
    Memory(i32),
    /// A System V message queue, by its id.
    Queue(i32),
    /// A System V semaphore set, by its id.
    Semaphores(i32),
    /// POSIX shared memory, a POSIX semaphore or message queue, as the file that it is on this system.
    File(PathBuf),
}

/// One such object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IpcObject {
    /// Which one.
    pub name: IpcName,
    /// The user that made it.
    pub maker: u32,
    /// The key by which others find it; 0, `IPC_PRIVATE`, and names that are files have none.
    pub key: i32,
    /// The processes that the table names: who made it, or who used it last.
    pub(super) told: Vec<Pid>,
    /// Whether some process has it attached now; told of shared memory segments only.
    pub attached: bool,
    /// How many semaphores it has.
    pub(super) semaphores: i32,
}

impl fmt::Display for IpcObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, id) = match &self.name {
            IpcName::Memory(id) => ("shared memory segment", id),
            IpcName::Queue(id) => ("message queue", id),
            IpcName::Semaphores(id) => ("semaphore set", id),
            IpcName::File(path) => return f.write_str(&one_line(&path.to_string_lossy())),
        };
        write!(f, "System V {what} {id}")?;
        if self.key == 0 { Ok(()) } else { write!(f, " (key {:#010x})", self.key) }
    }
}

/// All such objects that this process can see, in no particular order, but for those that go with their last user.
///
/// # Errors
/// `Unsupported` where the system does not list them.
pub fn ipc_objects() -> io::Result<Vec<IpcObject>> {
    system::objects()
}

/// The processes, living or dead, that the kernel has on record for `object`: who made it, where that is told, or
/// else who used it last. Nobody for a file.
#[must_use]
pub fn ipc_users(object: &IpcObject) -> Vec<Pid> {
    system::users(object)
}

/// Those of `files` that `pid` has open or mapped.
#[must_use]
pub fn ipc_names_held(pid: Pid, files: &[PathBuf]) -> Vec<PathBuf> {
    system::held(pid, files)
}

/// Removes it, as ipcrm(1) does.
///
/// # Errors
/// `EPERM` for another user's; `EINVAL` or `NotFound` where it has gone.
pub fn remove_ipc(name: &IpcName) -> io::Result<()> {
    system::remove(name)
}
