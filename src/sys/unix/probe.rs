//! Whether this process may do what needs a privilege.

use std::io;

use crate::sys::PacketCapture;
use crate::sys::system::occupation::OCCUPATION_SOURCE;
use crate::sys::types::ProcessorTime;

impl PacketCapture {
    /// Whether packets can be heard at all.
    ///
    /// # Errors
    /// As [`open`](PacketCapture::open).
    pub fn check_permission() -> io::Result<()> {
        PacketCapture::open(None, 0).map(drop)
    }
}

#[cfg(feature = "cli")]
impl crate::sys::SystemCallCounter {
    /// Whether they can be counted here, which is tried on this process.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn check_permission() -> io::Result<()> {
        Self::start(&[nix::unistd::Pid::this()]).map(drop)
    }
}

impl ProcessorTime {
    /// What tells of it here.
    pub const SOURCE: &str = OCCUPATION_SOURCE;
}
