//! Resource usage of processes: proc(5), `clock_getcpuclockid(3)`.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::time::Duration;

use nix::libc::clockid_t;
use nix::time::{ClockId, clock_getcpuclockid};
use nix::unistd::Pid;
use procfs::process::Process as ProcEntry;

use super::process::{read_stat, to_io};
use super::threads::threads;
use crate::sys::types::{ContextSwitches, ProcessStats, ResourceUsage, SchedulerStats};
use crate::sys::unsupported::unsupported;

/// Returns the processor time, threads and memory of `pid`.
///
/// # Errors
/// `NotFound` if the process does not exist.
pub fn process_stats(pid: Pid) -> io::Result<ProcessStats> {
    let stat = read_stat(pid.as_raw())?;
    let ticks = stat.utime + stat.stime;
    Ok(ProcessStats {
        cpu: Duration::from_secs_f64(ticks as f64 / procfs::ticks_per_second() as f64),
        threads: usize::try_from(stat.num_threads).unwrap_or_default(),
        resident: stat.rss * procfs::page_size(),
    })
}

/// Returns the largest resident memory that `pid` has had, in bytes.
///
/// # Errors
/// `NotFound` if the process has exited.
pub fn peak_memory(pid: Pid) -> io::Result<u64> {
    let status = ProcEntry::new(pid.as_raw()).and_then(|entry| entry.status()).map_err(to_io)?;
    // A zombie has no memory, so the line is missing.
    status.vmhwm.map(|kibibytes| kibibytes * 1024).ok_or_else(|| io::ErrorKind::NotFound.into())
}

/// Returns how long the live threads of `pid` have run and have waited for a processor, in sum.
///
/// # Errors
/// Those of [`scheduler_stats_of_threads`].
pub fn scheduler_stats(pid: Pid) -> io::Result<SchedulerStats> {
    let mut sum = SchedulerStats::default();
    for one in scheduler_stats_of_threads(pid)?.values() {
        sum.ran += one.ran;
        sum.queued += one.queued;
    }
    Ok(sum)
}

/// Returns how long each live thread of `pid` has run and has waited for a processor, by thread id.
///
/// # Errors
/// `NotFound` if the process does not exist; `Unsupported` if the kernel was built without `CONFIG_SCHED_INFO`.
pub fn scheduler_stats_of_threads(pid: Pid) -> io::Result<BTreeMap<i32, SchedulerStats>> {
    if fs::metadata("/proc/self/schedstat").is_err() {
        return unsupported("the kernel does not show how long threads wait: CONFIG_SCHED_INFO");
    }
    let of = |thread: Pid| {
        // The file is missing if the thread has exited since it was listed.
        let statistics = fs::read_to_string(format!("/proc/{pid}/task/{thread}/schedstat")).ok()?;
        Some((thread.as_raw(), parse_scheduler_stats(&statistics)))
    };
    Ok(threads(pid)?.into_iter().filter_map(of).collect())
}

/// Returns how long the calling thread has run and has waited for a processor.
///
/// # Errors
/// `Unsupported` if the kernel was built without `CONFIG_SCHED_INFO`.
pub fn thread_scheduler_stats() -> io::Result<SchedulerStats> {
    match fs::read_to_string("/proc/thread-self/schedstat") {
        Ok(statistics) => Ok(parse_scheduler_stats(&statistics)),
        Err(_) => unsupported("the kernel does not show how long threads wait: CONFIG_SCHED_INFO"),
    }
}

fn parse_scheduler_stats(text: &str) -> SchedulerStats {
    let mut nanoseconds = text.split_whitespace().map_while(|number| number.parse().ok());
    let mut next = || nanoseconds.next().map_or(Duration::ZERO, Duration::from_nanos);
    SchedulerStats { ran: next(), queued: next() }
}

/// The bits of a processor clock's number that say what it counts (`<linux/posix-timers.h>`).
const CLOCK_KIND: clockid_t = 3;
/// The kind of processor clock that counts scheduler ticks in user and kernel mode.
const TICKS: clockid_t = 0;
/// The kind of processor clock that counts scheduler ticks in user mode.
const USER_TICKS: clockid_t = 1;

/// Returns the processor time and context switches of `pid`.
///
/// `cpu` counts nanoseconds. It is exact if all threads sleep. For a thread that runs on another processor, it is as
/// old as the last scheduler tick, 1 to 10 ms. `user` and `system` count those ticks, unless the kernel was built with
/// `VIRT_CPU_ACCOUNTING`: over one second they are right to a few percent. `children` counts in units of 10 ms.
///
/// # Errors
/// `NotFound` if the process does not exist.
pub fn resource_usage(pid: Pid) -> io::Result<ResourceUsage> {
    let clock = clock_getcpuclockid(pid)?;
    let kind = |kind| read_clock(ClockId::from_raw(clock.as_raw() & !CLOCK_KIND | kind));
    let (cpu, user) = (read_clock(clock)?, kind(USER_TICKS)?);
    let system = kind(TICKS)?.saturating_sub(user);
    let stat = read_stat(pid.as_raw())?;
    Ok(ResourceUsage {
        start_time: stat.starttime,
        cpu,
        user,
        system,
        children: duration(stat.cutime + stat.cstime),
        switches: Some(context_switches(pid)?),
    })
}

fn read_clock(clock: ClockId) -> io::Result<Duration> {
    Ok(clock.now()?.into())
}

fn duration(ticks: i64) -> Duration {
    Duration::from_secs_f64(ticks.unsigned_abs() as f64 / procfs::ticks_per_second() as f64)
}

fn context_switches(pid: Pid) -> io::Result<BTreeMap<i32, ContextSwitches>> {
    let of = |thread: Pid| {
        let status = fs::read_to_string(format!("/proc/{pid}/task/{thread}/status")).ok()?;
        Some((thread.as_raw(), parse_switches(&status)))
    };
    Ok(threads(pid)?.into_iter().filter_map(of).collect())
}

fn parse_switches(status: &str) -> ContextSwitches {
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|count| count.trim().parse().ok()).unwrap_or_default()
    };
    ContextSwitches {
        voluntary: field("voluntary_ctxt_switches:"),
        involuntary: field("nonvoluntary_ctxt_switches:"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_context_switches_of_a_thread() {
        let status = "Name:\tcat\nvoluntary_ctxt_switches:\t12\nnonvoluntary_ctxt_switches:\t3\n";
        assert_eq!(parse_switches(status), ContextSwitches { voluntary: 12, involuntary: 3 });
    }
}
