//! Message queues: macOS lacks those of POSIX, FreeBSD has them as an option, and echospec uses System V's only on
//! Linux.

use std::io;

use super::unsupported;
use crate::sys::types::QueueCapacity;

/// Stands for an open message queue on a system without message queues. The type has no values.
pub enum MessageQueue {}

impl MessageQueue {
    /// Returns `Unsupported`: this system has no POSIX message queues.
    pub fn posix(_name: &str, _blocking: bool) -> io::Result<MessageQueue> {
        unsupported("this system has no such message queues")
    }

    /// Returns `Unsupported`: echospec uses no System V queues on this system.
    pub fn system_v(_key: i32, _kind: i32, _blocking: bool) -> io::Result<MessageQueue> {
        unsupported("this system has no such message queues")
    }

    /// Is never called, because on this system there is no message queue to have a capacity.
    pub fn capacity(&self) -> io::Result<QueueCapacity> {
        match *self {}
    }

    /// Is never called, because on this system there is no message queue to send to.
    pub fn send(&mut self, _bytes: &[u8]) -> nix::Result<()> {
        match *self {}
    }

    /// Is never called, because on this system there is no message queue to receive from.
    pub fn receive(&mut self, _buffer: &mut [u8]) -> nix::Result<usize> {
        match *self {}
    }
}

/// Does nothing: this system has no message queues.
pub fn raise_message_queue_limit() {}

/// Does nothing: this system has no message queues.
pub fn remove_posix_queue(_name: &str) {}

/// Returns false: echospec uses no System V queues on this system.
#[must_use]
pub fn system_v_queue_exists(_key: i32) -> bool {
    false
}

/// Does nothing: echospec uses no System V queues on this system.
pub fn remove_system_v_queue(_key: i32) {}

/// Returns false: this system has no message queues.
#[must_use]
pub fn owns_posix_queue(_name: &str) -> bool {
    false
}

/// Returns false: echospec uses no System V queues on this system.
#[must_use]
pub fn owns_system_v_queue(_key: i32) -> bool {
    false
}
