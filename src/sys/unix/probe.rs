//! Whether this process may do what needs a privilege.

use std::io;

use nix::unistd::Pid;

use crate::sys::system::occupation::OCCUPATION_SOURCE;
use crate::sys::types::Occupation;
use crate::sys::{Tap, machine::Calls};

impl Tap {
    /// Whether packets can be heard at all.
    ///
    /// # Errors
    /// As [`open`](Tap::open).
    pub fn can_open() -> io::Result<()> {
        Tap::open(None, 0).map(drop)
    }
}

impl Calls {
    /// Whether they can be counted here, which is tried on this process.
    ///
    /// # Errors
    /// As [`of`](Calls::of).
    pub fn permitted() -> io::Result<()> {
        Calls::of(&[Pid::this()]).map(drop)
    }
}

impl Occupation {
    /// What tells of it here.
    pub const SOURCE: &str = OCCUPATION_SOURCE;
}
