//! Processors: only their number is known, as on macOS.

pub use crate::sys::unsupported::processors::{
    PROCESSOR_TIME_SOURCE, core_of, disable_idle_states, minimize_timer_slack, pin_process, pin_thread,
    processor_time, usable_processors,
};
