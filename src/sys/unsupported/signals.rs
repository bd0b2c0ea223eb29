//! macOS has no sigqueue(3), and no server here uses that of the BSDs.

use std::io;

pub enum Signals {}

impl Signals {
    /// The largest message in bytes: what a pointer holds.
    pub const LARGEST: usize = size_of::<usize>();

    pub fn to(_peer: i32, _waits: bool) -> io::Result<Signals> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "signals are queued with a value only on Linux here"))
    }

    pub fn send(&self, _bytes: &[u8]) -> nix::Result<()> {
        match *self {}
    }

    pub fn receive(&self, _buffer: &mut [u8]) -> nix::Result<usize> {
        match *self {}
    }
}
