//! Signals: those of POSIX, without queued values.

use std::io;

use nix::libc;
use nix::unistd::Pid;

use super::unsupported;
use crate::sys::types::SignalSets;

/// The signals with which a user asks a running program for its status.
pub const STATUS_SIGNALS: &[i32] = &[libc::SIGUSR1];

/// Returns `Unsupported`: this system does not show the signals that a process blocks and ignores.
pub fn signal_sets(_pid: Pid) -> io::Result<SignalSets> {
    unsupported("this system does not show the signals that a process blocks and ignores")
}

/// Stands for a channel of real-time signals, which echospec has only on Linux. The type has no values.
pub enum QueuedSignals {}

impl QueuedSignals {
    /// The length in bytes of the largest message that one signal can carry: the size of a pointer.
    pub const MAX_MESSAGE: usize = size_of::<usize>();

    /// Returns `Unsupported`: echospec queues signals only on Linux.
    pub fn open(_peer: i32, _blocking: bool) -> io::Result<QueuedSignals> {
        unsupported("echospec queues signals with a value only on Linux")
    }

    /// Is never called, because on this system there is no channel of signals to send a message to.
    pub fn send(&self, _bytes: &[u8]) -> nix::Result<()> {
        match *self {}
    }

    /// Is never called, because on this system there is no channel of signals to receive a message from.
    pub fn receive(&self, _buffer: &mut [u8]) -> nix::Result<usize> {
        match *self {}
    }
}
