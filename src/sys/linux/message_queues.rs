//! Message queues: mq_overview(7), sysvipc(7).

use std::{io, ptr};

use nix::errno::Errno;
use nix::libc::{self, c_int, c_long};
use nix::mqueue::{MQ_OFlag, MqdT, mq_close, mq_getattr, mq_open, mq_receive, mq_send, mq_unlink};
use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit, setrlimit};
use nix::sys::stat::{Mode, fstat};
use nix::unistd::geteuid;

use crate::sys::types::QueueCapacity;

/// The size of the largest System V message in bytes: `MSGMAX`, unless `/proc/sys/kernel/msgmax` was changed.
const MAX_MESSAGE: usize = 8192;

/// An open message queue. Dropping the value closes the queue and does not remove it.
pub struct MessageQueue(Kind);

enum Kind {
    /// The queue is a POSIX queue. The option is `None` only during drop, because mq_close(3) takes the descriptor.
    Posix(Option<MqdT>),
    SystemV {
        id: c_int,
        kind: c_long,
        flags: c_int,
        message: Box<Message>,
    },
}

/// A System V message in the layout that msgsnd(2) and msgrcv(2) expect.
#[repr(C)]
struct Message {
    kind: c_long,
    bytes: [u8; MAX_MESSAGE],
}

impl MessageQueue {
    /// Opens the POSIX queue called `name`. Without `blocking`, calls return `EAGAIN` instead of waiting.
    ///
    /// # Errors
    /// Those of mq_open(3).
    pub fn posix(name: &str, blocking: bool) -> io::Result<MessageQueue> {
        let flags = if blocking { MQ_OFlag::empty() } else { MQ_OFlag::O_NONBLOCK };
        let flags = flags | MQ_OFlag::O_RDWR | MQ_OFlag::O_CLOEXEC;
        Ok(MessageQueue(Kind::Posix(Some(mq_open(name, flags, Mode::empty(), None)?))))
    }

    /// Opens the System V queue with `key`. Sends messages of the type `kind`, and receives only those. Without
    /// `blocking`, calls return `EAGAIN` instead of waiting.
    ///
    /// # Errors
    /// Those of msgget(2).
    pub fn system_v(key: i32, kind: i32, blocking: bool) -> io::Result<MessageQueue> {
        let flags = if blocking { 0 } else { libc::IPC_NOWAIT };
        let message = Box::new(Message { kind: 0, bytes: [0; MAX_MESSAGE] });
        Ok(MessageQueue(Kind::SystemV { id: system_v_id(key)?, kind: kind.into(), flags, message }))
    }

    /// Returns how many bytes and messages the queue holds at most.
    ///
    /// # Errors
    /// Those of mq_getattr(3) and msgctl(2).
    pub fn capacity(&self) -> io::Result<QueueCapacity> {
        match &self.0 {
            Kind::Posix(queue) => {
                let attributes = mq_getattr(opened(queue)?)?;
                let number = |member: i64| usize::try_from(member).unwrap_or_default();
                let (messages, largest_message) = (number(attributes.maxmsg()), number(attributes.msgsize()));
                Ok(QueueCapacity { bytes: messages * largest_message, messages, largest_message })
            }
            Kind::SystemV { id, .. } => {
                let bytes = system_v_capacity(*id)?;
                // The kernel limits bytes only, so there can be as many messages of one byte.
                Ok(QueueCapacity { bytes, messages: bytes, largest_message: MAX_MESSAGE.min(bytes) })
            }
        }
    }

    /// Sends one message to the queue.
    ///
    /// # Errors
    /// Those of mq_send(3) and msgsnd(2).
    #[inline]
    pub fn send(&mut self, bytes: &[u8]) -> nix::Result<()> {
        match &mut self.0 {
            Kind::Posix(queue) => mq_send(opened(queue)?, bytes, 0),
            Kind::SystemV { id, kind, flags, message } => {
                message.bytes.get_mut(..bytes.len()).ok_or(Errno::EMSGSIZE)?.copy_from_slice(bytes);
                message.kind = *kind;
                let message = ptr::from_ref::<Message>(message).cast();
                #[expect(unsafe_code, reason = "msgsnd(2) has no safe wrapper")]
                // SAFETY: `message` points to a type and then at least `bytes.len()` bytes.
                Errno::result(unsafe { libc::msgsnd(*id, message, bytes.len(), *flags) }).map(drop)
            }
        }
    }

    /// Receives one message from the queue into `buffer`, which must have room for the [largest
    /// message](QueueCapacity::largest_message). Returns its length.
    ///
    /// # Errors
    /// Those of mq_receive(3) and msgrcv(2). Both give `EAGAIN` if there is no message.
    #[inline]
    pub fn receive(&mut self, buffer: &mut [u8]) -> nix::Result<usize> {
        match &mut self.0 {
            Kind::Posix(queue) => mq_receive(opened(queue)?, buffer, &mut 0),
            Kind::SystemV { id, kind, flags, message } => {
                let target = ptr::from_mut::<Message>(message).cast();
                #[expect(unsafe_code, reason = "msgrcv(2) has no safe wrapper")]
                // SAFETY: `target` points to room for a type and then MAX_MESSAGE bytes.
                let length = unsafe { libc::msgrcv(*id, target, MAX_MESSAGE, *kind, *flags) };
                let length = Errno::result(length).map_err(enomsg_to_eagain)?.unsigned_abs();
                let room = buffer.get_mut(..length).ok_or(Errno::EMSGSIZE)?;
                room.copy_from_slice(&message.bytes[..length]);
                Ok(length)
            }
        }
    }
}

impl Drop for MessageQueue {
    fn drop(&mut self) {
        if let Kind::Posix(queue) = &mut self.0 {
            let _ = queue.take().map(mq_close);
        }
    }
}

/// Converts `ENOMSG` to `EAGAIN`: msgrcv(2) gives `ENOMSG` where other calls give `EAGAIN`.
fn enomsg_to_eagain(errno: Errno) -> Errno {
    if errno == Errno::ENOMSG { Errno::EAGAIN } else { errno }
}

fn opened(queue: &Option<MqdT>) -> nix::Result<&MqdT> {
    queue.as_ref().ok_or(Errno::EBADF)
}

fn system_v_id(key: i32) -> nix::Result<c_int> {
    #[expect(unsafe_code, reason = "msgget(2) has no safe wrapper")]
    // SAFETY: msgget(2) takes and returns integers.
    Errno::result(unsafe { libc::msgget(key, 0) })
}

fn system_v_capacity(id: c_int) -> io::Result<usize> {
    usize::try_from(system_v_status(id)?.msg_qbytes).map_err(io::Error::other)
}

fn system_v_status(id: c_int) -> nix::Result<libc::msqid_ds> {
    let mut status = std::mem::MaybeUninit::<libc::msqid_ds>::zeroed();
    #[expect(unsafe_code, reason = "msgctl(2) has no safe wrapper")]
    // SAFETY: IPC_STAT writes one msqid_ds, for which zeros are valid too.
    unsafe {
        Errno::result(libc::msgctl(id, libc::IPC_STAT, status.as_mut_ptr()))?;
        Ok(status.assume_init())
    }
}

/// Returns whether this process's user made the System V queue with `key`. False if there is none.
#[must_use]
pub fn owns_system_v_queue(key: i32) -> bool {
    let status = system_v_id(key).and_then(system_v_status);
    status.is_ok_and(|status| status.msg_perm.cuid == geteuid().as_raw())
}

/// Returns whether this process's user made the POSIX queue called `name`. False if there is none. A queue's descriptor
/// is that of a file (mq_overview(7)).
#[must_use]
pub fn owns_posix_queue(name: &str) -> bool {
    let flags = MQ_OFlag::O_RDONLY | MQ_OFlag::O_NONBLOCK | MQ_OFlag::O_CLOEXEC;
    let Ok(queue) = mq_open(name, flags, Mode::empty(), None) else { return false };
    let own = fstat(&queue).is_ok_and(|found| found.st_uid == geteuid().as_raw());
    let _ = mq_close(queue);
    own
}

/// Raises the limit of bytes in POSIX message queues for this process and its children: `RLIMIT_MSGQUEUE`,
/// getrlimit(2). A privileged process gets no limit; any other process gets its hard limit.
pub fn raise_message_queue_limit() {
    if setrlimit(Resource::RLIMIT_MSGQUEUE, RLIM_INFINITY, RLIM_INFINITY).is_err()
        && let Ok((_, hard)) = getrlimit(Resource::RLIMIT_MSGQUEUE)
    {
        let _ = setrlimit(Resource::RLIMIT_MSGQUEUE, hard, hard);
    }
}

/// Removes the POSIX queue called `name`, if there is one.
pub fn remove_posix_queue(name: &str) {
    let _ = mq_unlink(name);
}

/// Returns whether there is a System V queue with `key`.
#[must_use]
pub fn system_v_queue_exists(key: i32) -> bool {
    system_v_id(key) != Err(Errno::ENOENT)
}

/// Removes the System V queue with `key`, if there is one.
pub fn remove_system_v_queue(key: i32) {
    if let Ok(id) = system_v_id(key) {
        #[expect(unsafe_code, reason = "msgctl(2) has no safe wrapper")]
        // SAFETY: IPC_RMID neither reads nor writes memory of this process.
        unsafe {
            libc::msgctl(id, libc::IPC_RMID, ptr::null_mut());
        }
    }
}
