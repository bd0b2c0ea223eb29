//! macOS has no POSIX message queues, and FreeBSD only as an option; no server here speaks System V's elsewhere.

use std::io;

use crate::sys::types::QueueCapacity;

/// There is none.
pub enum MessageQueue {}

fn unsupported() -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, "this system has no such message queues")
}

impl MessageQueue {
    pub fn posix(_name: &str, _waits: bool) -> io::Result<MessageQueue> {
        Err(unsupported())
    }

    pub fn system_v(_key: i32, _kind: i32, _waits: bool) -> io::Result<MessageQueue> {
        Err(unsupported())
    }

    pub fn capacity(&self) -> io::Result<QueueCapacity> {
        match *self {}
    }

    pub fn send(&mut self, _bytes: &[u8]) -> nix::Result<()> {
        match *self {}
    }

    pub fn receive(&mut self, _buffer: &mut [u8]) -> nix::Result<usize> {
        match *self {}
    }
}

pub fn raise_message_queue_limit() {}

pub fn remove_posix_queue(_name: &str) {}

pub fn system_v_queue_exists(_key: i32) -> bool {
    false
}

pub fn remove_system_v_queue(_key: i32) {}
