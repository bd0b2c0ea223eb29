//! Threads: libproc does not show where they sleep.

pub use crate::sys::unsupported::threads::{
    all_threads_blocked, is_blocked_writing_pipe, sleeping_threads, wait_channel, wait_channels,
};
