//! Which end of a pipe a descriptor is.

pub use crate::os::Access;
pub(super) use crate::os::access;
