//! Signals as messages, where the system queues them with a value.

use std::io;

#[cfg(target_os = "linux")]
#[path = "signals_linux.rs"]
mod system;
#[cfg(not(target_os = "linux"))]
#[path = "signals_other.rs"]
mod system;

/// Real-time signals to one process and from it. The number of the signal is the length of a message, and its value the
/// bytes. Those of one length keep their order; of several lengths pending at once the shortest comes first.
pub struct Signals(system::Signals);

impl Signals {
    /// The largest message in bytes: what a pointer holds.
    pub const LARGEST: usize = size_of::<usize>();

    /// With the process `peer`. From now on the calling thread, and those that it starts, have these signals blocked.
    /// Where a call would wait and `waits` is false, it says EAGAIN.
    ///
    /// # Errors
    /// `Unsupported` where signals carry no value, and in a process that has other threads already: a signal comes to
    /// whichever has not blocked it, and ends the process.
    pub fn to(peer: i32, waits: bool) -> io::Result<Signals> {
        system::Signals::to(peer, waits).map(Signals)
    }

    /// Sends one message.
    ///
    /// # Errors
    /// EMSGSIZE where it is longer than the [largest](Signals::LARGEST); EAGAIN where too many are pending; else those of
    /// sigqueue(3).
    #[inline]
    pub fn send(&self, bytes: &[u8]) -> nix::Result<()> {
        self.0.send(bytes)
    }

    /// Receives one message into `buffer`, as much of it as has room; answers how long it is. What other processes send
    /// is passed over.
    ///
    /// # Errors
    /// Those of sigtimedwait(2).
    #[inline]
    pub fn receive(&self, buffer: &mut [u8]) -> nix::Result<usize> {
        self.0.receive(buffer)
    }
}
