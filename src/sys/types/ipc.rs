//! Objects that live until somebody removes them, whoever made them: System V IPC, and the names of POSIX shared
//! memory, semaphores and message queues. sysvipc(7), shm_overview(7), sem_overview(7), mq_overview(7).

use std::fmt;
use std::path::PathBuf;

use nix::unistd::Pid;

use crate::text::one_line;

/// An object's name in the kernel, which no other gets while it is there, nor soon after.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum IpcId {
    /// A System V shared memory segment, by its id.
    SharedMemory(i32),
    /// A System V message queue, by its id.
    MessageQueue(i32),
    /// A System V semaphore set, by its id.
    SemaphoreSet(i32),
    /// POSIX shared memory, a POSIX semaphore or message queue, as the file that it is on this system.
    File(PathBuf),
}

/// One such object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IpcObject {
    /// Which one.
    pub name: IpcId,
    /// The user that made it.
    pub creator: u32,
    /// The key by which others find it; 0, `IPC_PRIVATE`, and names that are files have none.
    pub key: i32,
    /// The processes that the table names: who made it, or who used it last.
    pub(in crate::sys) pids: Vec<Pid>,
    /// Whether some process has it attached now; told of shared memory segments only.
    pub attached: bool,
    /// How many semaphores it has.
    pub(in crate::sys) semaphores: i32,
}

impl fmt::Display for IpcObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, id) = match &self.name {
            IpcId::SharedMemory(id) => ("shared memory segment", id),
            IpcId::MessageQueue(id) => ("message queue", id),
            IpcId::SemaphoreSet(id) => ("semaphore set", id),
            IpcId::File(path) => return f.write_str(&one_line(&path.to_string_lossy())),
        };
        write!(f, "System V {what} {id}")?;
        if self.key == 0 { Ok(()) } else { write!(f, " (key {:#010x})", self.key) }
    }
}

/// How much a queue holds.
#[derive(Debug, Clone, Copy)]
pub struct QueueCapacity {
    /// In all messages together.
    pub bytes: usize,
    /// How many messages.
    pub messages: usize,
    /// The largest message in bytes.
    pub largest_message: usize,
}
