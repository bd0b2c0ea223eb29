//! Processors. macOS lets no program choose them or disable idle states.

use std::io;

use nix::unistd::Pid;

use crate::sys::types::{Core, IdleStatesDisabled, ProcessorTime};
use crate::sys::unsupported::unsupported;

pub use crate::sys::unsupported::processors::{
    PROCESSOR_TIME_SOURCE, minimize_timer_slack, usable_processors,
};

/// Returns `Unsupported`: this system does not show which processors share a core.
///
/// # Errors
/// `Unsupported`.
pub fn core_of(_processor: usize) -> io::Result<Core> {
    unsupported("macOS does not number the cores of its processors")
}

/// Returns `Unsupported`: this system does not pin threads to processors.
///
/// # Errors
/// `Unsupported`.
pub fn pin_thread(_processors: &[usize]) -> io::Result<()> {
    unsupported(
        "macOS pins no thread to a processor: THREAD_AFFINITY_POLICY is a hint, and Apple's processors ignore it",
    )
}

/// Returns `Unsupported`: this system does not pin threads to processors.
///
/// # Errors
/// `Unsupported`.
pub fn pin_process(_pid: Pid, processors: &[usize]) -> io::Result<()> {
    pin_thread(processors)
}

/// Returns `Unsupported`: this system does not let a program disable idle states.
///
/// # Errors
/// `Unsupported`.
pub fn disable_idle_states() -> io::Result<IdleStatesDisabled> {
    unsupported("macOS has no interface by which a program disables idle states")
}

/// Returns `Unsupported`: this system does not show the work of single processors.
///
/// # Errors
/// `Unsupported`.
pub fn processor_time(_processors: &[usize]) -> io::Result<ProcessorTime> {
    unsupported("the time that single processors work is not looked up on macOS")
}
