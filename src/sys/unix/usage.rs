//! Resource usage of this process, and the load of the machine.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use nix::libc;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::{TimeVal, TimeValLike};

use crate::sys::types::{ContextSwitches, ResourceUsage};
use crate::sys::unsupported::unsupported;

/// Returns the average number of processes that wanted a processor at once in the last minute.
///
/// # Errors
/// `Unsupported` where the system does not count them.
#[expect(unsafe_code, reason = "getloadavg(3) has no safe binding")]
pub fn load_average() -> io::Result<f64> {
    let mut average = 0.0;
    // SAFETY: one number is requested, and `average` has room for it.
    let count = unsafe { libc::getloadavg(&raw mut average, 1) };
    if count == 1 { Ok(average) } else { unsupported("this system does not show its load average") }
}

/// Returns the resource usage of this process: `getrusage(2)`. It counts microseconds. The context switches of all
/// threads, including those that have exited, are added up under the thread id 0.
///
/// # Errors
/// Those of `getrusage(2)`.
pub fn own_resource_usage() -> io::Result<ResourceUsage> {
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    let children = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let (user, system) = (duration(usage.user_time()), duration(usage.system_time()));
    let switches = ContextSwitches {
        voluntary: usage.voluntary_context_switches().unsigned_abs(),
        involuntary: usage.involuntary_context_switches().unsigned_abs(),
    };
    Ok(ResourceUsage {
        start_time: 0,
        cpu: user + system,
        user,
        system,
        children: duration(children.user_time()) + duration(children.system_time()),
        switches: Some(BTreeMap::from([(0, switches)])),
    })
}

fn duration(time: TimeVal) -> Duration {
    Duration::from_micros(time.num_microseconds().unsigned_abs())
}
