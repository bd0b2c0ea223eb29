//! Which end of a pipe a descriptor is.

use crate::os::OpenFile;

/// What a process may do with a descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// `O_RDONLY`: the read end of a pipe.
    Read,
    /// `O_WRONLY`: the write end of a pipe.
    Write,
    /// `O_RDWR`, as every socket.
    Both,
}

impl Access {
    /// The access mode that it was opened with.
    pub(super) fn of(open: &OpenFile) -> Option<Access> {
        match (open.readable, open.writable) {
            (true, true) => Some(Access::Both),
            (true, false) => Some(Access::Read),
            (false, true) => Some(Access::Write),
            (false, false) => None,
        }
    }
}
