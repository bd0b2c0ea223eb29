//! Linux: affinity masks, `/sys`, `/proc`, and clocks of other processes.

mod accounts;
mod processors;

pub use accounts::account;
pub use processors::{confine_process, confine_thread, core_of, hold_awake, usable_processors};
