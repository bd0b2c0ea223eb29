//! What processes use. See [`account`](account) for what it is good for.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::time::Duration;

use nix::libc::clockid_t;
use nix::time::{ClockId, clock_getcpuclockid};
use nix::unistd::Pid;
use procfs::process::Process as ProcEntry;

use super::process::to_io;
use super::processors::threads;
use crate::sys::types::{ContextSwitches, ResourceUsage};

/// What a processor clock counts: the lowest two bits of its number (linux/include/linux/posix-timers.h).
const KIND: clockid_t = 3;
/// Ticks that found it running, in either mode.
const SAMPLED: clockid_t = 0;
/// Ticks that found it in user mode.
const SAMPLED_USER: clockid_t = 1;

pub fn resource_usage(pid: Pid) -> io::Result<ResourceUsage> {
    let clock = clock_getcpuclockid(pid)?;
    let kind = |kind| read(ClockId::from_raw(clock.as_raw() & !KIND | kind));
    let (cpu, user) = (read(clock)?, kind(SAMPLED_USER)?);
    let system = kind(SAMPLED)?.saturating_sub(user);
    let stat = ProcEntry::new(pid.as_raw()).and_then(|entry| entry.stat()).map_err(to_io)?;
    Ok(ResourceUsage {
        start_time: stat.starttime,
        cpu,
        user,
        system,
        children: ticks(stat.cutime + stat.cstime),
        switches: Some(switches(pid)?),
    })
}

fn read(clock: ClockId) -> io::Result<Duration> {
    Ok(clock.now()?.into())
}

fn ticks(ticks: i64) -> Duration {
    Duration::from_secs_f64(ticks.unsigned_abs() as f64 / procfs::ticks_per_second() as f64)
}

fn switches(pid: Pid) -> io::Result<BTreeMap<i32, ContextSwitches>> {
    let of = |thread: Pid| {
        let status = fs::read_to_string(format!("/proc/{pid}/task/{thread}/status")).ok()?;
        Some((thread.as_raw(), parse(&status)))
    };
    Ok(threads(pid)?.into_iter().filter_map(of).collect())
}

fn parse(status: &str) -> ContextSwitches {
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
    fn switches_are_read_from_a_threads_status() {
        let status = "Name:\tcat\nvoluntary_ctxt_switches:\t12\nnonvoluntary_ctxt_switches:\t3\n";
        assert_eq!(parse(status), ContextSwitches { voluntary: 12, involuntary: 3 });
    }
}
