//! macOS: libproc tells what processes use.

use std::io;

use libproc::pid_rusage::{RUsageInfoV2, pidrusage};
use nix::unistd::Pid;

use super::process_stats::duration;
use crate::sys::types::Account;

/// The kinds of switches are told of our own process only.
pub fn account(pid: Pid) -> io::Result<Account> {
    let usage: RUsageInfoV2 =
        pidrusage(pid.as_raw()).map_err(|_| io::Error::from(io::ErrorKind::NotFound))?;
    let (user, system) = (duration(usage.ri_user_time), duration(usage.ri_system_time));
    Ok(Account {
        began: usage.ri_proc_start_abstime,
        cpu: user + system,
        user,
        system,
        reaped: duration(usage.ri_child_user_time + usage.ri_child_system_time),
        switches: None,
    })
}
