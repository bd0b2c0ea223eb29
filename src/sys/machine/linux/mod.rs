//! Linux: affinity masks, `/sys`, `/proc`, and clocks of other processes.

mod accounts;
mod calls;
mod futex;
mod io_uring;
mod occupation;
mod processors;

pub use accounts::account;
pub use calls::{Calls, SOURCE as CALLS_SOURCE};
pub use futex::{sleep_on, wake};
pub use io_uring::io_uring;
pub use occupation::{SOURCE as OCCUPATION_SOURCE, occupation};
pub use processors::{confine_process, confine_thread, core_of, hold_awake, parse_list, usable_processors};
