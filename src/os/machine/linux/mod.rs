//! Linux: affinity masks, `/sys`, `/proc`, and clocks of other processes.

mod accounts;
mod futex;
mod occupation;
mod processors;

pub use accounts::account;
pub use futex::{sleep_on, wake};
pub use occupation::occupation;
pub use processors::{confine_process, confine_thread, core_of, hold_awake, usable_processors};
