//! System calls of processes, as macOS counts them for everyone: `PROC_PIDTASKINFO` of proc_info(2).

use std::io;

use libproc::proc_pid::pidinfo;
use libproc::task_info::TaskInfo;
use nix::unistd::Pid;

pub const CALLS_SOURCE: &str = "proc_pidinfo(3), PROC_PIDTASKINFO";

/// Whom to ask, and what they had done before.
#[derive(Debug)]
pub struct SystemCallCounter {
    pids: Vec<Pid>,
    before: u64,
}

impl SystemCallCounter {
    /// What counts them.
    pub const SOURCE: &str = CALLS_SOURCE;

    pub fn start(pids: &[Pid]) -> io::Result<SystemCallCounter> {
        let pids = pids.to_vec();
        let before = sum(&pids)?;
        Ok(SystemCallCounter { pids, before })
    }

    pub fn count(&self) -> io::Result<u64> {
        Ok(sum(&self.pids)?.saturating_sub(self.before))
    }
}

fn sum(pids: &[Pid]) -> io::Result<u64> {
    pids.iter().map(|&pid| calls(pid)).sum()
}

/// Those of Unix and those of Mach. The kernel's counts have 32 bits, and a sign that means nothing.
fn calls(pid: Pid) -> io::Result<u64> {
    let info = pidinfo::<TaskInfo>(pid.as_raw(), 0).map_err(io::Error::other)?;
    let count = |calls: i32| u64::from(calls.cast_unsigned());
    Ok(count(info.pti_syscalls_unix) + count(info.pti_syscalls_mach))
}
