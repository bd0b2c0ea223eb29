//! Which end of a pipe a descriptor is.

pub use crate::sys::Access;
use crate::sys::OpenFile;

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
