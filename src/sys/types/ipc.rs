//! IPC objects: System V IPC, and POSIX shared memory, semaphores and message queues. They exist until a process
//! removes them. See sysvipc(7), shm_overview(7), sem_overview(7), mq_overview(7).

use std::fmt;
use std::path::PathBuf;

use nix::unistd::Pid;

use crate::text::one_line;

/// Identifies an IPC object. The kernel does not reuse an id soon.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum IpcId {
    /// Id of a System V shared memory segment.
    SharedMemory(i32),
    /// Id of a System V message queue.
    MessageQueue(i32),
    /// Id of a System V semaphore set.
    SemaphoreSet(i32),
    /// File of a POSIX object.
    File(PathBuf),
}

/// An IPC object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IpcObject {
    /// Id of the object.
    pub id: IpcId,
    /// Id of the user that created it.
    pub creator: u32,
    /// System V key. It is 0 (`IPC_PRIVATE`) for objects without one.
    pub key: i32,
    /// Processes that the table names: the creator or the last users.
    pub(in crate::sys) pids: Vec<Pid>,
    /// Whether a process has it attached. Always false for other objects than shared memory segments.
    pub attached: bool,
    /// Number of semaphores in a set.
    pub(in crate::sys) semaphores: i32,
}

impl fmt::Display for IpcObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, id) = match &self.id {
            IpcId::SharedMemory(id) => ("shared memory segment", id),
            IpcId::MessageQueue(id) => ("message queue", id),
            IpcId::SemaphoreSet(id) => ("semaphore set", id),
            IpcId::File(path) => return f.write_str(&one_line(&path.to_string_lossy())),
        };
        write!(f, "System V {kind} {id}")?;
        if self.key == 0 { Ok(()) } else { write!(f, " (key {:#010x})", self.key) }
    }
}

/// How much a message queue holds.
#[derive(Debug, Clone, Copy)]
pub struct QueueCapacity {
    /// Bytes of all messages together.
    pub bytes: usize,
    /// Number of messages.
    pub messages: usize,
    /// Bytes of the largest message.
    pub largest_message: usize,
}
