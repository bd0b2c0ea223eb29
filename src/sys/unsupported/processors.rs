//! Processors: only their number is known.

use std::io;
use std::thread;

use nix::unistd::Pid;

use super::unsupported;
use crate::sys::types::{Core, IdleStatesDisabled, ProcessorTime};

/// Lists the processors, numbered from 0.
///
/// # Errors
/// Those of `sysconf(3)`.
pub fn usable_processors() -> io::Result<Vec<usize>> {
    Ok((0..thread::available_parallelism()?.get()).collect())
}

/// Returns `Unsupported`: this system does not show which processors share a core.
pub fn core_of(_processor: usize) -> io::Result<Core> {
    unsupported("the cores of the processors are not known on this system")
}

/// Returns `Unsupported`: this system does not pin threads to processors.
pub fn pin_thread(_processors: &[usize]) -> io::Result<()> {
    unsupported("threads cannot be pinned to processors on this system")
}

/// Returns `Unsupported`: this system does not pin threads to processors.
pub fn pin_process(_pid: Pid, processors: &[usize]) -> io::Result<()> {
    pin_thread(processors)
}

/// Does nothing: this system has no timer slack to set.
pub fn minimize_timer_slack() {}

/// Returns `Unsupported`: this system does not let a program disable idle states.
pub fn disable_idle_states() -> io::Result<IdleStatesDisabled> {
    unsupported("idle states cannot be disabled on this system")
}

/// The name of the kernel interface behind [`processor_time`], for reports.
pub const PROCESSOR_TIME_SOURCE: &str = "no counter";

/// Returns `Unsupported`: this system does not show the work of single processors.
pub fn processor_time(_processors: &[usize]) -> io::Result<ProcessorTime> {
    unsupported("the time that processors work is not known on this system")
}
