//! Limits of a container: there are none.

use std::io;

use super::unsupported;
use crate::sys::types::ContainerLimits;

/// Returns no limits: echospec reads no container limits on this system.
#[must_use]
pub fn container_limits() -> ContainerLimits {
    ContainerLimits::default()
}

/// Does nothing: echospec knows no such setting of this system's allocator.
pub fn return_freed_blocks() {}

/// Returns `Unsupported`: echospec does not know the highest limit of open descriptors on this system.
pub fn highest_descriptor_limit() -> io::Result<u64> {
    unsupported("echospec does not know the highest limit of open descriptors on this system")
}
