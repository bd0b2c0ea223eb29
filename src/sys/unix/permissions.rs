//! Checks of whether this process has the privileges for an operation.

use std::io;

use crate::sys::PacketCapture;

impl PacketCapture {
    /// Checks that this process may capture packets.
    ///
    /// # Errors
    /// As [`open`](PacketCapture::open).
    pub fn check_permission() -> io::Result<()> {
        PacketCapture::open(None, 0).map(drop)
    }
}

#[cfg(feature = "cli")]
impl crate::sys::SystemCallCounter {
    /// Checks that this process may count system calls, by counting its own.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn check_permission() -> io::Result<()> {
        Self::start(&[nix::unistd::Pid::this()]).map(drop)
    }
}
