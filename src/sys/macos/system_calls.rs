//! Counting system calls: macOS always counts them, `PROC_PIDTASKINFO` of `proc_pidinfo`.

use std::io;

use libproc::proc_pid::pidinfo;
use libproc::task_info::TaskInfo;
use nix::unistd::Pid;

/// Counts the system calls of processes. Holds the processes and how many calls each had made at the start.
#[derive(Debug)]
pub struct SystemCallCounter {
    pids: Vec<Pid>,
    before: u64,
}

impl SystemCallCounter {
    /// The name of the kernel interface that counts system calls, for reports.
    ///
    /// Verified: type-checked.
    pub const SOURCE: &str = "proc_pidinfo(3), PROC_PIDTASKINFO";

    /// Starts to count the system calls of all threads of `pids`. Processes that they start later do not count.
    ///
    /// Verified: against `struct proc_taskinfo` of `<sys/proc_info.h>`.
    ///
    /// # Errors
    /// Those of `proc_pidinfo`.
    pub fn start(pids: &[Pid]) -> io::Result<SystemCallCounter> {
        let pids = pids.to_vec();
        let before = sum(&pids)?;
        Ok(SystemCallCounter { pids, before })
    }

    /// Returns the number of system calls that the processes have made since the counter was started.
    ///
    /// Verified: as `start`.
    ///
    /// # Errors
    /// Those of `proc_pidinfo`.
    pub fn count(&self) -> io::Result<u64> {
        Ok(sum(&self.pids)?.saturating_sub(self.before))
    }
}

fn sum(pids: &[Pid]) -> io::Result<u64> {
    pids.iter().map(|&pid| system_calls(pid)).sum()
}

/// Returns the number of Unix and Mach system calls of `pid`. The kernel counts with 32 bits in a signed integer.
fn system_calls(pid: Pid) -> io::Result<u64> {
    let info = pidinfo::<TaskInfo>(pid.as_raw(), 0).map_err(io::Error::other)?;
    let count = |calls: i32| u64::from(calls.cast_unsigned());
    Ok(count(info.pti_syscalls_unix) + count(info.pti_syscalls_mach))
}
