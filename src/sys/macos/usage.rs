//! Resource usage of processes: `proc_pidinfo`, `proc_pid_rusage`.

use std::io;
use std::time::Duration;

use libproc::pid_rusage::{RUsageInfoV2, pidrusage};
use libproc::proc_pid::pidinfo;
use libproc::task_info::TaskInfo;
use nix::libc;
use nix::unistd::Pid;

use crate::sys::types::{ProcessStats, ResourceUsage};

pub use crate::sys::unsupported::usage::{
    peak_memory, scheduler_stats, scheduler_stats_of_threads, thread_scheduler_stats,
};

/// Returns the processor time, threads and memory of `pid`.
///
/// Verified: against `struct proc_taskinfo` of `<sys/proc_info.h>`. The unit of the times is Mach
/// ticks: look first at Apple's processors.
///
/// # Errors
/// `NotFound` if the process does not exist or belongs to another user.
pub fn process_stats(pid: Pid) -> io::Result<ProcessStats> {
    let info: TaskInfo = pidinfo(pid.as_raw(), 0).map_err(|_| io::Error::from(io::ErrorKind::NotFound))?;
    Ok(ProcessStats {
        cpu: duration(info.pti_total_user + info.pti_total_system),
        threads: usize::try_from(info.pti_threadnum).unwrap_or_default(),
        resident: info.pti_resident_size,
    })
}

/// Returns the processor time of `pid`. macOS counts context switches by kind only for the calling process.
///
/// Verified: type-checked; the unit of the times is Mach ticks, as for `process_stats`.
///
/// # Errors
/// `NotFound` if the process does not exist or belongs to another user.
pub fn resource_usage(pid: Pid) -> io::Result<ResourceUsage> {
    let usage: RUsageInfoV2 =
        pidrusage(pid.as_raw()).map_err(|_| io::Error::from(io::ErrorKind::NotFound))?;
    let (user, system) = (duration(usage.ri_user_time), duration(usage.ri_system_time));
    Ok(ResourceUsage {
        start_time: usage.ri_proc_start_abstime,
        cpu: user + system,
        user,
        system,
        children: duration(usage.ri_child_user_time + usage.ri_child_system_time),
        switches: None,
    })
}

/// Converts Mach ticks to a duration. A tick is a nanosecond on Intel, and 125/3 of a nanosecond on Apple's processors.
#[expect(unsafe_code, reason = "only a C function has the ratio")]
#[expect(
    deprecated,
    reason = "libc refers to another crate for Mach; one function does not justify a dependency"
)]
fn duration(ticks: u64) -> Duration {
    let mut ratio = libc::mach_timebase_info { numer: 1, denom: 1 };
    // SAFETY: the call writes one such structure and accesses nothing else.
    unsafe { libc::mach_timebase_info(&raw mut ratio) };
    let nanoseconds = u128::from(ticks) * u128::from(ratio.numer) / u128::from(ratio.denom.max(1));
    Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
}
