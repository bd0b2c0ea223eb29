//! Whether this process may do what needs a privilege.

use std::io;

use nix::unistd::Pid;

use crate::sys::system::occupation::OCCUPATION_SOURCE;
use crate::sys::types::ProcessorTime;
use crate::sys::{PacketCapture, SystemCallCounter};

impl PacketCapture {
    /// Whether packets can be heard at all.
    ///
    /// # Errors
    /// As [`open`](PacketCapture::open).
    pub fn check_permission() -> io::Result<()> {
        PacketCapture::open(None, 0).map(drop)
    }
}

impl SystemCallCounter {
    /// Whether they can be counted here, which is tried on this process.
    ///
    /// # Errors
    /// As [`of`](SystemCallCounter::of).
    pub fn check_permission() -> io::Result<()> {
        SystemCallCounter::start(&[Pid::this()]).map(drop)
    }
}

impl ProcessorTime {
    /// What tells of it here.
    pub const SOURCE: &str = OCCUPATION_SOURCE;
}
