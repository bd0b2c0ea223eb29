//! Resource usage: nothing shows it for another process.

use std::collections::BTreeMap;
use std::io;

use nix::unistd::Pid;

use super::unsupported;
use crate::sys::types::{ProcessStats, ResourceUsage, SchedulerStats};

/// Returns `Unsupported`: this system does not show the resource usage of a process.
pub fn process_stats(_pid: Pid) -> io::Result<ProcessStats> {
    unsupported("this system does not show the resource usage of a process")
}

/// Returns `Unsupported`: this system does not show the peak memory of a process.
pub fn peak_memory(_pid: Pid) -> io::Result<u64> {
    unsupported("this system does not show the peak memory of a process")
}

/// Returns `Unsupported`: this system does not show how long a thread waits for a processor.
pub fn thread_scheduler_stats() -> io::Result<SchedulerStats> {
    unsupported("this system does not show how long a thread waits for a processor")
}

/// Returns `Unsupported`: this system does not show how long threads wait for a processor.
pub fn scheduler_stats(_pid: Pid) -> io::Result<SchedulerStats> {
    unsupported("this system does not show how long threads wait for a processor")
}

/// Returns `Unsupported`: this system does not show how long threads wait for a processor.
pub fn scheduler_stats_of_threads(_pid: Pid) -> io::Result<BTreeMap<i32, SchedulerStats>> {
    unsupported("this system does not show how long threads wait for a processor")
}

/// Returns `Unsupported`: this system does not show the resource usage of a process.
pub fn resource_usage(_pid: Pid) -> io::Result<ResourceUsage> {
    unsupported("the resource usage of another process is not available on this system")
}
