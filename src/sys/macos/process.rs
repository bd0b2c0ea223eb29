//! Processes: libproc, kqueue(2), `KERN_PROCARGS2`.

use std::io;
use std::path::PathBuf;

use libproc::bsd_info::BSDInfo;
use libproc::proc_pid::{pidinfo, pidpath};
use libproc::processes::{ProcFilter, pids_by_type};
use nix::errno::Errno;
use nix::libc::{self, c_char};
use nix::sys::signal::kill;
use nix::unistd::Pid;

use super::process_arguments::start_strings;
use crate::sys::types::Process;
use crate::sys::types::start_strings::{arguments, environment};
use crate::sys::unsupported::unsupported;

pub use crate::sys::bsd::kqueue::wait_for_exit;
pub use crate::sys::unix::child_attributes::inherit_no_descriptors;
pub use crate::sys::unsupported::process::{kill_with_parent, set_subreaper};

/// Lists the processes of this user, in no particular order.
///
/// Verified: type-checked, and against `struct proc_bsdinfo` of `<sys/proc_info.h>`.
///
/// # Errors
/// Those of `proc_listpids`.
pub fn processes() -> io::Result<Vec<Process>> {
    let pids = pids_by_type(ProcFilter::All)?.into_iter().map(|pid| Pid::from_raw(pid.cast_signed()));
    Ok(pids.filter_map(bsd_info).map(process).collect())
}

/// Lists the children of `parent`, zombies included.
///
/// The crate's own filter by parent is not used: it reports an empty list as an error if `errno` was set before.
///
/// Verified: type-checked; it filters what `processes` lists. The same filter runs on Linux, on kernels without the
/// file `children`.
///
/// # Errors
/// Those of `proc_listpids`.
pub fn children(parent: Pid) -> io::Result<Vec<Process>> {
    let mut found = processes()?;
    found.retain(|process| process.parent == parent);
    Ok(found)
}

/// Returns whether `process` is a child of this process or an orphan. macOS has no sub-reapers, so launchd becomes the
/// parent of orphans.
///
/// Verified: type-checked. Look first at a daemon whose parent has exited: launchd adopts it.
#[must_use]
pub fn may_be_descendant(process: &Process) -> bool {
    const LAUNCHD: Pid = Pid::from_raw(1);
    process.parent == Pid::this() || process.parent == LAUNCHD
}

/// Returns the kernel's description of the process `pid`, or `None` if the process was reaped or belongs to another
/// user.
pub fn bsd_info(pid: Pid) -> Option<BSDInfo> {
    // With any argument but 0, `proc_pidinfo` finds zombies too.
    const ZOMBIES_TOO: u64 = 1;
    pidinfo(pid.as_raw(), ZOMBIES_TOO).ok()
}

fn process(info: BSDInfo) -> Process {
    Process {
        pid: Pid::from_raw(info.pbi_pid.cast_signed()),
        parent: Pid::from_raw(info.pbi_ppid.cast_signed()),
        group: Pid::from_raw(info.pbi_pgid.cast_signed()),
        name: String::from_utf8_lossy(&bytes_before_nul(&info.pbi_comm)).into_owned(),
        zombie: info.pbi_status == libc::SZOMB,
        stopped: info.pbi_status == libc::SSTOP,
    }
}

/// Returns the text before the NUL in an array of C's `char`.
pub fn bytes_before_nul(text: &[c_char]) -> Vec<u8> {
    text.iter().map(|char| char.cast_unsigned()).take_while(|&byte| byte != 0).collect()
}

/// Returns whether `pid` exists and belongs to another user. libproc and `KERN_PROCARGS2` give the same errors for
/// such a process as for one that has exited. kill(2) without a signal tells them apart.
pub fn is_another_users(pid: Pid) -> bool {
    bsd_info(pid).is_none() && kill(pid, None) != Err(Errno::ESRCH)
}

/// Returns the path of the program that `pid` executes, if it can be read.
///
/// Verified: type-checked; `proc_pidpath` of libproc.
#[must_use]
pub fn executable(pid: Pid) -> Option<PathBuf> {
    pidpath(pid.as_raw()).ok().map(PathBuf::from)
}

/// Returns the command line of `pid`. It is empty for a process that has exited or belongs to another user.
///
/// Verified: the parser runs on Linux, in unit tests with blocks as XNU's `sysctl_procargsx` writes them; the
/// system call is type-checked.
#[must_use]
pub fn command_line(pid: Pid) -> Vec<String> {
    let block = start_strings(pid).unwrap_or_default();
    arguments(&block).map(|word| String::from_utf8_lossy(word).into_owned()).collect()
}

/// Returns the state of `pid` in words, such as `alive` or `stopped by a signal`. `None` if it does not exist.
///
/// Verified: type-checked; the states are those of `<sys/proc.h>`.
#[must_use]
pub fn process_state(pid: Pid) -> Option<&'static str> {
    let info: BSDInfo = pidinfo(pid.as_raw(), 0).ok()?;
    Some(match info.pbi_status {
        // SRUN means that the process is not stopped. It may run or sleep.
        libc::SRUN => "alive",
        libc::SSTOP => "stopped by a signal",
        libc::SZOMB => "dead",
        _ => "sleeping",
    })
}

/// Returns whether `pid` was started with the environment variable `name` set to `value`.
///
/// Verified: the parser runs on Linux, as for `command_line`. Look first at a program that System Integrity
/// Protection restricts.
///
/// # Errors
/// `PermissionDenied` for another user's process; `NotFound` if it does not exist; `Unsupported` for programs that
/// System Integrity Protection restricts, such as `/bin/cat`.
pub fn has_env_var(pid: Pid, name: &str, value: &str) -> io::Result<bool> {
    let block = match start_strings(pid) {
        Err(Errno::EINVAL) if is_another_users(pid) => return Err(io::ErrorKind::PermissionDenied.into()),
        Err(Errno::EINVAL) => return Err(io::ErrorKind::NotFound.into()),
        block => block?,
    };
    let wanted = format!("{name}={value}");
    let mut entries = environment(&block).peekable();
    // The kernel's own strings follow the environment. If there are none, the kernel has cut both off.
    if entries.peek().is_none() {
        return unsupported("System Integrity Protection hides the environment of this program");
    }
    Ok(entries.any(|entry| entry == wanted.as_bytes()))
}
