//! The clients' side of message queues: mq_overview(7) and sysvipc(7).

use std::{io, ptr};

use nix::errno::Errno;
use nix::libc::{self, c_int, c_long};
use nix::mqueue::{MQ_OFlag, MqdT, mq_close, mq_getattr, mq_open, mq_receive, mq_send, mq_unlink};
use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit, setrlimit};
use nix::sys::stat::Mode;

use crate::sys::types::QueueCapacity;

/// `MSGMAX` unless `/proc/sys/kernel/msgmax` says otherwise.
const LARGEST: usize = 8192;

/// One queue, open to send and to receive.
pub enum MessageQueue {
    /// Behind an option because closing takes it.
    Posix(Option<MqdT>),
    SystemV {
        id: c_int,
        kind: c_long,
        flags: c_int,
        message: Box<Message>,
    },
}

/// As msgsnd(2) and msgrcv(2) take it.
#[repr(C)]
pub struct Message {
    kind: c_long,
    bytes: [u8; LARGEST],
}

impl MessageQueue {
    pub fn posix(name: &str, waits: bool) -> io::Result<MessageQueue> {
        let flags = if waits { MQ_OFlag::empty() } else { MQ_OFlag::O_NONBLOCK };
        let flags = flags | MQ_OFlag::O_RDWR | MQ_OFlag::O_CLOEXEC;
        Ok(MessageQueue::Posix(Some(mq_open(name, flags, Mode::empty(), None)?)))
    }

    pub fn system_v(key: i32, kind: i32, waits: bool) -> io::Result<MessageQueue> {
        let flags = if waits { 0 } else { libc::IPC_NOWAIT };
        let message = Box::new(Message { kind: 0, bytes: [0; LARGEST] });
        Ok(MessageQueue::SystemV { id: id(key)?, kind: kind.into(), flags, message })
    }

    pub fn capacity(&self) -> io::Result<QueueCapacity> {
        match self {
            MessageQueue::Posix(queue) => {
                let attributes = mq_getattr(opened(queue)?)?;
                let number = |member: i64| usize::try_from(member).unwrap_or_default();
                let (messages, largest) = (number(attributes.maxmsg()), number(attributes.msgsize()));
                Ok(QueueCapacity { bytes: messages * largest, messages, largest_message: largest })
            }
            MessageQueue::SystemV { id, .. } => {
                let bytes = capacity(*id)?;
                Ok(QueueCapacity { bytes, messages: bytes, largest_message: LARGEST.min(bytes) })
            }
        }
    }

    #[inline]
    pub fn send(&mut self, bytes: &[u8]) -> nix::Result<()> {
        match self {
            MessageQueue::Posix(queue) => mq_send(opened(queue)?, bytes, 0),
            MessageQueue::SystemV { id, kind, flags, message } => {
                message.bytes.get_mut(..bytes.len()).ok_or(Errno::EMSGSIZE)?.copy_from_slice(bytes);
                message.kind = *kind;
                let message = ptr::from_ref::<Message>(message).cast();
                #[expect(unsafe_code, reason = "msgsnd(2)")]
                // SAFETY: the message is a type and then at least so many bytes.
                Errno::result(unsafe { libc::msgsnd(*id, message, bytes.len(), *flags) }).map(drop)
            }
        }
    }

    /// `buffer` must have room for the largest message of a POSIX queue.
    #[inline]
    pub fn receive(&mut self, buffer: &mut [u8]) -> nix::Result<usize> {
        match self {
            MessageQueue::Posix(queue) => mq_receive(opened(queue)?, buffer, &mut 0),
            MessageQueue::SystemV { id, kind, flags, message } => {
                let target = ptr::from_mut::<Message>(message).cast();
                #[expect(unsafe_code, reason = "msgrcv(2)")]
                // SAFETY: the message has room for a type and for as many bytes as are asked for.
                let length = unsafe { libc::msgrcv(*id, target, LARGEST, *kind, *flags) };
                let length = Errno::result(length).map_err(as_others_say)?.unsigned_abs();
                let room = buffer.get_mut(..length).ok_or(Errno::EMSGSIZE)?;
                room.copy_from_slice(&message.bytes[..length]);
                Ok(length)
            }
        }
    }
}

/// Where others say EAGAIN.
fn as_others_say(errno: Errno) -> Errno {
    if errno == Errno::ENOMSG { Errno::EAGAIN } else { errno }
}

fn opened(queue: &Option<MqdT>) -> nix::Result<&MqdT> {
    queue.as_ref().ok_or(Errno::EBADF)
}

impl Drop for MessageQueue {
    fn drop(&mut self) {
        if let MessageQueue::Posix(queue) = self {
            let _ = queue.take().map(mq_close);
        }
    }
}

fn id(key: i32) -> nix::Result<c_int> {
    #[expect(unsafe_code, reason = "msgget(2)")]
    // SAFETY: it takes numbers and gives one.
    Errno::result(unsafe { libc::msgget(key, 0) })
}

fn capacity(id: c_int) -> io::Result<usize> {
    let mut told = std::mem::MaybeUninit::<libc::msqid_ds>::zeroed();
    #[expect(unsafe_code, reason = "msgctl(2)")]
    // SAFETY: IPC_STAT fills in the structure, all of which may be zero.
    let told = unsafe {
        Errno::result(libc::msgctl(id, libc::IPC_STAT, told.as_mut_ptr()))?;
        told.assume_init()
    };
    usize::try_from(told.msg_qbytes).map_err(io::Error::other)
}

/// Root may lift it; others reach the hard limit, getrlimit(2).
pub fn raise_message_queue_limit() {
    if setrlimit(Resource::RLIMIT_MSGQUEUE, RLIM_INFINITY, RLIM_INFINITY).is_err()
        && let Ok((_, hard)) = getrlimit(Resource::RLIMIT_MSGQUEUE)
    {
        let _ = setrlimit(Resource::RLIMIT_MSGQUEUE, hard, hard);
    }
}

pub fn remove_posix_queue(name: &str) {
    let _ = mq_unlink(name);
}

pub fn system_v_queue_exists(key: i32) -> bool {
    id(key) != Err(Errno::ENOENT)
}

pub fn remove_system_v_queue(key: i32) {
    if let Ok(id) = id(key) {
        #[expect(unsafe_code, reason = "msgctl(2)")]
        // SAFETY: IPC_RMID reads and writes no memory of ours.
        unsafe {
            libc::msgctl(id, libc::IPC_RMID, ptr::null_mut());
        }
    }
}
