//! How a child has ended: waitid(2).

use std::io;
use std::mem::MaybeUninit;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::libc;
use nix::unistd::Pid;

/// Returns how `pid`, a child of this process, has ended, or `None` while it lives. It stays a zombie, so its number
/// is not reused before its descendants have been found.
///
/// # Errors
/// `ECHILD` where it is no child of this process.
pub fn exit_status(pid: Pid) -> io::Result<Option<ExitStatus>> {
    let end = wait_without_reaping(pid, libc::WNOHANG)?;
    #[expect(unsafe_code, reason = "siginfo_t is a union in C")]
    // SAFETY: waitid(2) fills these members, or leaves the zeros that were there.
    let (who, status) = unsafe { (end.si_pid(), end.si_status()) };
    Ok((who != 0).then(|| exit_status_of(end.si_code, status)))
}

/// The status as wait(2) encodes it: an exit code in the second byte, a signal in the first.
fn exit_status_of(code: i32, status: i32) -> ExitStatus {
    const DUMPED_CORE: i32 = 0x80;
    ExitStatus::from_raw(match code {
        libc::CLD_EXITED => (status & 0xff) << 8,
        libc::CLD_DUMPED => status | DUMPED_CORE,
        _ => status,
    })
}

/// SystemCallCounter waitid(2) for a child that has ended, and leaves the zombie. With `WNOHANG` and a child that lives, `si_pid`
/// is 0.
#[expect(unsafe_code, reason = "nix has waitid(2) for Linux and FreeBSD only")]
pub fn wait_without_reaping(pid: Pid, options: libc::c_int) -> nix::Result<libc::siginfo_t> {
    let options = options | libc::WEXITED | libc::WNOWAIT;
    let mut end = MaybeUninit::zeroed();
    // SAFETY: `end` has room for the one siginfo_t that the call may write.
    let answer = unsafe { libc::waitid(libc::P_PID, pid.as_raw() as libc::id_t, end.as_mut_ptr(), options) };
    Errno::result(answer)?;
    // SAFETY: siginfo_t is made of integers and pointers, for which zeros are valid.
    Ok(unsafe { end.assume_init() })
}

/// Waits until the child `pid` has ended or `limit` has passed, by looking every millisecond. Returns whether it has
/// ended.
///
/// # Errors
/// `ECHILD` where it is no child of this process.
pub fn poll_for_exit(pid: Pid, limit: Duration) -> io::Result<bool> {
    let deadline = Instant::now() + limit;
    while exit_status(pid)?.is_none() {
        if Instant::now() >= deadline {
            return Ok(false);
        }
        thread::park_timeout(Duration::from_millis(1));
    }
    Ok(true)
}
