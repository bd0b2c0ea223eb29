//! Elsewhere timed waits are as exact as they are: nothing is to be asked for.

/// On Linux, has timed waits of this thread end when they are due.
pub fn minimize_timer_slack() {}
