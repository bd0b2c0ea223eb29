//! Which end of a pipe a descriptor is.

pub use crate::sys::AccessMode;
use crate::sys::OpenFile;

impl AccessMode {
    /// The access mode that it was opened with.
    pub(super) fn of(open: &OpenFile) -> Option<AccessMode> {
        match (open.readable, open.writable) {
            (true, true) => Some(AccessMode::ReadWrite),
            (true, false) => Some(AccessMode::ReadOnly),
            (false, true) => Some(AccessMode::WriteOnly),
            (false, false) => None,
        }
    }
}
