//! IPC objects: System V IPC, and POSIX shared memory, semaphores and message queues. They exist until a process
//! removes them. See sysvipc(7), shm_overview(7), sem_overview(7), mq_overview(7).

use std::fmt;
use std::path::PathBuf;

use nix::unistd::Pid;

use crate::text::one_line;

/// The id of an IPC object. The kernel does not reuse an id soon.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum IpcId {
    /// The id of a System V shared memory segment.
    SharedMemory(i32),
    /// The id of a System V message queue.
    MessageQueue(i32),
    /// The id of a System V semaphore set.
    SemaphoreSet(i32),
    /// The path of the file that represents a POSIX shared memory object, semaphore or message queue.
    File(PathBuf),
}

/// An IPC object as the kernel lists it: shared memory, a message queue or semaphores.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IpcObject {
    /// The id of the object.
    pub id: IpcId,
    /// The id of the user that created the IPC object.
    pub creator: u32,
    /// The System V key of the IPC object. The key is 0 (`IPC_PRIVATE`) for objects without one.
    pub key: i32,
    /// The processes that the kernel's table names for the IPC object: the creator or the last users.
    pub(in crate::sys) pids: Vec<Pid>,
    /// Whether a process has the shared memory segment attached. Always false for other IPC objects.
    pub attached: bool,
    /// The number of semaphores, if the IPC object is a set of semaphores.
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

/// The maximum content of a message queue.
#[derive(Debug, Clone, Copy)]
pub struct QueueCapacity {
    /// The maximum number of bytes of all messages in the queue together.
    pub bytes: usize,
    /// The maximum number of messages in the queue.
    pub messages: usize,
    /// The number of bytes of the largest message that the queue takes.
    pub largest_message: usize,
}
