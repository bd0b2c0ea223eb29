//! macOS has no sigqueue(3), and no server here uses that of the BSDs.

use std::io;

pub enum QueuedSignals {}

impl QueuedSignals {
    /// The largest message in bytes: what a pointer holds.
    pub const MAX_MESSAGE: usize = size_of::<usize>();

    pub fn open(_peer: i32, _waits: bool) -> io::Result<QueuedSignals> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "signals are queued with a value only on Linux here"))
    }

    pub fn send(&self, _bytes: &[u8]) -> nix::Result<()> {
        match *self {}
    }

    pub fn receive(&self, _buffer: &mut [u8]) -> nix::Result<usize> {
        match *self {}
    }
}
