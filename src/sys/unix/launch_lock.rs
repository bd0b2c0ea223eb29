//! Between fork and exec a child holds a copy of every descriptor of ours, close-on-exec or not.
//!
//! What we close in that moment is not closed yet: no reset and no end of file goes out. Where it matters
//! that a close takes effect at once, it waits until no launch of ours is under way.

use std::sync::{PoisonError, RwLock};

static LAUNCHES: RwLock<()> = RwLock::new(());

/// Runs `launch`, which forks and returns once the child has executed its program.
pub fn with_launch_lock<T>(launch: impl FnOnce() -> T) -> T {
    let _alone = LAUNCHES.write().unwrap_or_else(PoisonError::into_inner);
    launch()
}

/// Runs `close` while no launch is under way.
pub fn between_launches<T>(close: impl FnOnce() -> T) -> T {
    let _quiet = LAUNCHES.read().unwrap_or_else(PoisonError::into_inner);
    close()
}
