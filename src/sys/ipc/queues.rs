//! Message queues, where the system has them.

use std::io;

#[cfg(target_os = "linux")]
#[path = "queues_linux.rs"]
mod system;
#[cfg(not(target_os = "linux"))]
#[path = "queues_other.rs"]
mod system;

/// How much a queue holds.
#[derive(Debug, Clone, Copy)]
pub struct Holds {
    /// In all messages together.
    pub bytes: usize,
    /// How many messages.
    pub places: usize,
    /// The largest message in bytes.
    pub largest: usize,
}

/// One queue, to send messages to and to receive them from. It is closed, and not removed, with this value.
pub struct Queue(system::Queue);

impl Queue {
    /// The POSIX queue called `name`. Where a call would wait and `waits` is false, it says EAGAIN.
    ///
    /// # Errors
    /// Those of mq_open(3); `Unsupported` where there are none.
    pub fn posix(name: &str, waits: bool) -> io::Result<Queue> {
        system::Queue::posix(name, waits).map(Queue)
    }

    /// The System V queue of `key`. What is sent has the type `kind`, and nothing else is received.
    ///
    /// # Errors
    /// Those of msgget(2); `Unsupported` where there are none.
    pub fn system_v(key: i32, kind: i32, waits: bool) -> io::Result<Queue> {
        system::Queue::system_v(key, kind, waits).map(Queue)
    }

    /// How much it holds.
    ///
    /// # Errors
    /// Those of the system.
    pub fn holds(&self) -> io::Result<Holds> {
        self.0.holds()
    }

    /// Sends one message.
    ///
    /// # Errors
    /// Those of mq_send(3) and msgsnd(2).
    #[inline]
    pub fn send(&mut self, bytes: &[u8]) -> nix::Result<()> {
        self.0.send(bytes)
    }

    /// Receives one message into `buffer`, which must have room for the [largest](Holds::largest).
    ///
    /// # Errors
    /// Those of mq_receive(3) and msgrcv(2), but EAGAIN where either says that there is none.
    #[inline]
    pub fn receive(&mut self, buffer: &mut [u8]) -> nix::Result<usize> {
        self.0.receive(buffer)
    }
}

/// Lets this process and those that it launches have as many POSIX queues as they are permitted: `RLIMIT_MSGQUEUE`.
pub fn raise_queue_limit() {
    system::raise_limit();
}

/// Removes the POSIX queue called `name`, if there is one.
pub fn remove_posix_queue(name: &str) {
    system::remove_posix(name);
}

/// Whether `key` belongs to a System V queue.
#[must_use]
pub fn has_system_v_queue(key: i32) -> bool {
    system::has_system_v(key)
}

/// Removes the System V queue of `key`, if there is one.
pub fn remove_system_v_queue(key: i32) {
    system::remove_system_v(key);
}
