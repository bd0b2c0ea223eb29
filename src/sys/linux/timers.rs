//! Linux: `PR_SET_TIMERSLACK`, prctl(2).

use nix::sys::prctl;

/// From now on timed waits of this thread end when they are due, as exactly as the clock can. The kernel else lets them
/// be up to 50 µs late, to wake a processor once for several.
pub fn minimize_timer_slack() {
    // An old kernel leaves it as it was: then what timers add shows as lateness.
    let _ = prctl::set_timerslack(1);
}
