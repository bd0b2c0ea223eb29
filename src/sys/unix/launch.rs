//! A lock between launching programs and closing descriptors.
//!
//! Between fork and exec, a child holds a copy of every descriptor of this process, close-on-exec or not. If this
//! process closes a socket at that moment, the child keeps it open: the kernel sends neither FIN nor reset. Code that
//! needs a close to take effect at once runs it in [`between_launches`].

use std::sync::{PoisonError, RwLock};

static LAUNCHES: RwLock<()> = RwLock::new(());

/// Calls `launch` while holding the lock that all launches of processes take. `launch` forks, and returns once the
/// child has executed its program.
pub fn with_launch_lock<T>(launch: impl FnOnce() -> T) -> T {
    let _exclusive = LAUNCHES.write().unwrap_or_else(PoisonError::into_inner);
    launch()
}

/// Calls `close` while no process is being launched, so that no child holds a copy of a descriptor that it closes.
pub fn between_launches<T>(close: impl FnOnce() -> T) -> T {
    let _shared = LAUNCHES.read().unwrap_or_else(PoisonError::into_inner);
    close()
}
