//! macOS: libproc tells of processor time, threads and memory, and nothing of the rest.

use std::io;
use std::net::SocketAddr;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use libproc::bsd_info::BSDInfo;
use libproc::proc_pid::pidinfo;
use libproc::task_info::TaskInfo;
use nix::libc;
use nix::unistd::Pid;

use super::procargs::{arguments, strings_at_start};
use crate::sys::types::{ProcessStats, SchedulerStats, SignalSets, SleepingThread, TcpQueues};

pub fn process_stats(pid: Pid) -> io::Result<ProcessStats> {
    let info: TaskInfo = pidinfo(pid.as_raw(), 0).map_err(|_| io::Error::from(io::ErrorKind::NotFound))?;
    Ok(ProcessStats {
        cpu: duration(info.pti_total_user + info.pti_total_system),
        threads: usize::try_from(info.pti_threadnum).unwrap_or_default(),
        resident: info.pti_resident_size,
    })
}

/// Mach counts in ticks of its own: nanoseconds on Intel, 125/3 of one on Apple's processors.
#[expect(unsafe_code, reason = "the ratio is to be had from a C function only")]
#[expect(
    deprecated,
    reason = "libc refers to another crate for Mach; one function does not earn a dependency"
)]
pub fn duration(ticks: u64) -> Duration {
    let mut ratio = libc::mach_timebase_info { numer: 1, denom: 1 };
    // SAFETY: the call fills the structure that it is given, and does nothing else.
    unsafe { libc::mach_timebase_info(&raw mut ratio) };
    let nanoseconds = u128::from(ticks) * u128::from(ratio.numer) / u128::from(ratio.denom.max(1));
    Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
}

pub fn signal_sets(_pid: Pid) -> io::Result<SignalSets> {
    Err(io::ErrorKind::Unsupported.into())
}

pub fn is_blocked_writing_pipe(_pid: Pid) -> io::Result<bool> {
    Err(io::ErrorKind::Unsupported.into())
}

pub fn tcp_queues(_local: SocketAddr, _remote: SocketAddr) -> io::Result<Option<TcpQueues>> {
    Err(io::ErrorKind::Unsupported.into())
}

pub fn scheduler_stats(_pid: Pid) -> io::Result<SchedulerStats> {
    Err(io::ErrorKind::Unsupported.into())
}

pub fn enable_quick_ack(_socket: BorrowedFd<'_>) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

pub fn process_state(pid: Pid) -> Option<&'static str> {
    let info: BSDInfo = pidinfo(pid.as_raw(), 0).ok()?;
    Some(match info.pbi_status {
        // SRUN says that it has not been stopped, whether it sleeps or runs.
        libc::SRUN => "alive",
        libc::SSTOP => "stopped by a signal",
        libc::SZOMB => "dead",
        _ => "sleeping",
    })
}

pub fn wait_channels(_pid: Pid) -> Vec<String> {
    Vec::new()
}

pub fn command_line(pid: Pid) -> Vec<String> {
    let block = strings_at_start(pid).unwrap_or_default();
    arguments(&block).map(|word| String::from_utf8_lossy(word).into_owned()).collect()
}

pub fn peak_memory(_pid: Pid) -> io::Result<u64> {
    Err(io::ErrorKind::Unsupported.into())
}

pub fn all_threads_blocked(_pid: Pid) -> Option<bool> {
    None
}

pub fn sleeping_threads(_pid: Pid) -> io::Result<Vec<SleepingThread>> {
    Err(io::ErrorKind::Unsupported.into())
}
