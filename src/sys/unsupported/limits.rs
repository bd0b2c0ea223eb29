//! Limits of a container: there are none.

use crate::sys::types::ContainerLimits;

/// Returns no limits: echospec reads no container limits on this system.
#[must_use]
pub fn container_limits() -> ContainerLimits {
    ContainerLimits::default()
}
