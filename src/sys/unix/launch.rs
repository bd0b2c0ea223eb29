//! A lock between launching programs and closing descriptors.
//!
//! Between fork and exec, a child holds a copy of every descriptor of this process, close-on-exec or not. If this
//! process closes a socket at that moment, the child keeps it open: the kernel sends neither FIN nor reset. Code that
//! needs a close to take effect at once runs it in [`between_launches`].

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock};
use std::thread;

static LAUNCHES: RwLock<()> = RwLock::new(());

/// Whether this process launches no other any more.
static ENDED: AtomicBool = AtomicBool::new(false);

/// Calls `launch` while holding the lock that all launches of processes take. `launch` forks, and returns once the
/// child has executed its program. After [`end_launches`] the calling thread sleeps for ever.
pub fn with_launch_lock<T>(launch: impl FnOnce() -> T) -> T {
    let exclusive = LAUNCHES.write().unwrap_or_else(PoisonError::into_inner);
    if ENDED.load(Ordering::Relaxed) {
        drop(exclusive);
        loop {
            thread::park();
        }
    }
    launch()
}

/// Calls `close` while no process is being launched, so that no child holds a copy of a descriptor that it closes.
pub fn between_launches<T>(close: impl FnOnce() -> T) -> T {
    let _shared = LAUNCHES.read().unwrap_or_else(PoisonError::into_inner);
    close()
}

/// Waits for a launch that is under way, and lets none follow: for a program that is about to exit while its threads run
/// on.
pub fn end_launches() {
    between_launches(|| ENDED.store(true, Ordering::Relaxed));
}
