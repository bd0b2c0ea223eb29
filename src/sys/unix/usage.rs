//! What this process has used, and how busy the machine is.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::{TimeVal, TimeValLike};

use crate::sys::types::{ContextSwitches, ResourceUsage};

/// How many processes wanted a processor at once in the last minute, on average.
///
/// # Errors
/// `Unsupported` where the system does not tell.
#[expect(unsafe_code, reason = "getloadavg(3) has no safe binding")]
pub fn load_average() -> io::Result<f64> {
    let mut average = 0.0;
    // SAFETY: one number is asked for, and there is room for it.
    let told = unsafe { nix::libc::getloadavg(&raw mut average, 1) };
    if told == 1 { Ok(average) } else { Err(io::ErrorKind::Unsupported.into()) }
}

/// What this process has used, by `getrusage(2)`: in microseconds, with the switches of threads that have ended,
/// which are put under the number 0.
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
