//! The effects of running servers on this process: it is a child subreaper, and a guard process runs.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::guard;
use crate::sys;

/// Keeps this process a subreaper, and keeps a guard, for as long as the value exists. Every running server holds one;
/// a program that launches many servers one after another holds one more, so that the guard is not started for each.
#[derive(Debug)]
pub struct Supervision {
    subreaper: bool,
    guard: bool,
}

/// The number of [`Supervision`] values, in all threads, that want a subreaper and a guard.
struct Users {
    subreaper: usize,
    guard: usize,
    /// Whether this process already was a subreaper when the first [`Supervision`] began.
    was_subreaper: bool,
}

static USERS: Mutex<Users> = Mutex::new(Users { subreaper: 0, guard: 0, was_subreaper: false });

impl Supervision {
    /// Makes this process a subreaper if `subreaper` is true, and keeps a running guard if `guard` is true.
    #[must_use]
    pub fn begin(subreaper: bool, guard: bool) -> Supervision {
        let mut users = users();
        if subreaper {
            if users.subreaper == 0 {
                users.was_subreaper = sys::set_subreaper(true);
            }
            users.subreaper += 1;
        }
        users.guard += usize::from(guard);
        Supervision { subreaper, guard }
    }
}

impl Drop for Supervision {
    fn drop(&mut self) {
        let mut users = users();
        if self.subreaper {
            users.subreaper -= 1;
            if users.subreaper == 0 && !users.was_subreaper {
                sys::set_subreaper(false);
            }
        }
        if self.guard {
            users.guard -= 1;
            if users.guard == 0 {
                guard::stop_guard();
            }
        }
    }
}

fn users() -> MutexGuard<'static, Users> {
    USERS.lock().unwrap_or_else(PoisonError::into_inner)
}
