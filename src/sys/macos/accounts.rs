//! macOS: libproc tells what processes use.

use std::io;

use libproc::pid_rusage::{RUsageInfoV2, pidrusage};
use nix::unistd::Pid;

use super::process_stats::duration;
use crate::sys::types::ResourceUsage;

/// The kinds of switches are told of our own process only.
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
