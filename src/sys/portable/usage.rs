//! Resource usage: `/proc` in the place of libproc.

pub use crate::sys::linux::usage::{process_stats, resource_usage};
pub use crate::sys::unsupported::usage::{
    peak_memory, scheduler_stats, scheduler_stats_of_threads, thread_scheduler_stats,
};
