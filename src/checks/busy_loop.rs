//! Tells a server in a busy loop from one that waits for something.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::check;
use crate::deadline::Countdown;
use crate::server::{CpuUse, Server};
use crate::sys::{self, Process};

/// The processor time after which a thread that has never waited is in a loop.
const WORK: Duration = Duration::from_millis(100);

/// The longest time in which a server that is starved of processors is watched, as a multiple of the deadline for
/// progress.
const STARVED: u32 = 12;

/// Returns the processor use of a server that runs all the time. `None` if it waits for something.
pub(super) fn find_busy_loop(server: &Server) -> check::Result<Option<CpuUse>> {
    let deadlines = server.deadlines();
    let (whole, threads, used) = (server.begin_cpu_window()?, threads(server)?, server.cpu_time()?);
    let mut usual = Countdown::new(deadlines.no_progress());
    let mut longest = Countdown::new(deadlines.no_progress() * STARVED);
    while !longest.left().is_zero() {
        let cpu_use = server.cpu_use(deadlines.quiet())?;
        if cpu_use.is_busy_loop() {
            return Ok(Some(cpu_use));
        }
        if is_idle(server, cpu_use)? {
            return Ok(None);
        }
        if usual.left().is_zero() && server.cpu_time()?.saturating_sub(used) >= WORK {
            break;
        }
    }
    // On a very busy machine a loop gets too little processor time in each of the measurements.
    Ok(if has_never_waited(server, &threads)? { Some(server.cpu_use_since(&whole)?) } else { None })
}

/// Whether `cpu_use`, which shows no busy loop, shows an idle server. The scheduler counts the wait of a thread for a
/// processor only when the wait is over, so a thread that is ready to run now may have waited all the time.
pub(super) fn is_idle(server: &Server, cpu_use: CpuUse) -> check::Result<bool> {
    Ok(!cpu_use.is_kept_waiting() && is_blocked(server)?)
}

/// Whether no thread of the server runs or is ready to run. True where the system does not tell.
pub(super) fn is_blocked(server: &Server) -> check::Result<bool> {
    let waits = |process: &Process| sys::all_threads_blocked(process.pid) != Some(false);
    Ok(server.processes()?.iter().all(waits))
}

/// The number of times that a thread has begun to wait, and the processor time that it has used.
#[derive(Debug, Clone, Copy)]
struct ThreadUse {
    waits: u64,
    ran: Duration,
}

/// Whether a thread of the server has used [`WORK`] since `before`, and has not waited for anything but a processor.
fn has_never_waited(server: &Server, before: &BTreeMap<i32, ThreadUse>) -> check::Result<bool> {
    let never = |(thread, now): (&i32, &ThreadUse)| {
        before.get(thread).is_some_and(|before| now.waits == before.waits && now.ran >= before.ran + WORK)
    };
    Ok(threads(server)?.iter().any(never))
}

/// Returns what the threads of the server have done so far, by thread id. It is empty where the system does not tell.
fn threads(server: &Server) -> check::Result<BTreeMap<i32, ThreadUse>> {
    let mut threads = BTreeMap::new();
    for process in server.processes()? {
        let switches = sys::resource_usage(process.pid).ok().and_then(|usage| usage.switches);
        let stats = sys::scheduler_stats_of_threads(process.pid).unwrap_or_default();
        for (thread, switches) in switches.unwrap_or_default() {
            let stats = stats.get(&thread);
            let one = stats.map(|stats| (thread, ThreadUse { waits: switches.voluntary, ran: stats.ran }));
            threads.extend(one);
        }
    }
    Ok(threads)
}
