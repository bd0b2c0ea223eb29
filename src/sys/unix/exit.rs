//! The end of a child: waitid(2).

use std::io;
use std::mem::MaybeUninit;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::libc;
use nix::sys::signal::{SigHandler, Signal, signal};
use nix::unistd::Pid;

/// Restores the default action of SIGCHLD, which a parent may have left ignored. While it is ignored, the kernel
/// discards how children exit (wait(2)), and servers would inherit that.
#[expect(unsafe_code, reason = "signal(2) is unsafe because handlers are")]
pub fn reset_sigchld() {
    // SAFETY: no handler is installed, so no code of this program runs on a signal.
    let _ = unsafe { signal(Signal::SIGCHLD, SigHandler::SigDfl) };
}

/// Returns how the child `pid` has exited. `None` while it is alive. The child stays a zombie, so that its id is not
/// reused before all its descendants have been found.
///
/// # Errors
/// `ECHILD` if it is not a child of this process.
pub fn exit_status(pid: Pid) -> io::Result<Option<ExitStatus>> {
    let info = wait_without_reaping(pid, libc::WNOHANG)?;
    #[expect(unsafe_code, reason = "siginfo_t contains a union")]
    // SAFETY: waitid(2) writes these members. If the child is alive, they have the zeros they were initialized with.
    let (child, status) = unsafe { (info.si_pid(), info.si_status()) };
    Ok((child != 0).then(|| encode_status(info.si_code, status)))
}

/// Encodes a child's exit as wait(2) does: an exit code in the second byte, a signal in the first.
fn encode_status(code: i32, status: i32) -> ExitStatus {
    const CORE_DUMPED: i32 = 0x80;
    ExitStatus::from_raw(match code {
        libc::CLD_EXITED => (status & 0xff) << 8,
        libc::CLD_DUMPED => status | CORE_DUMPED,
        _ => status,
    })
}

/// Calls waitid(2) for the child `pid`, and leaves the child a zombie if it has exited. With `WNOHANG` and a child that
/// is alive, `si_pid` is 0.
#[expect(unsafe_code, reason = "nix wraps waitid(2) for Linux and FreeBSD only")]
pub fn wait_without_reaping(pid: Pid, options: libc::c_int) -> nix::Result<libc::siginfo_t> {
    let options = options | libc::WEXITED | libc::WNOWAIT;
    let mut info = MaybeUninit::zeroed();
    // SAFETY: `info` has room for the one siginfo_t that the call may write.
    let answer = unsafe { libc::waitid(libc::P_PID, pid.as_raw() as libc::id_t, info.as_mut_ptr(), options) };
    Errno::result(answer)?;
    // SAFETY: siginfo_t consists of integers and pointers, for which zeros are valid.
    Ok(unsafe { info.assume_init() })
}

/// Waits until the child `pid` has exited or `limit` has passed, by looking every millisecond. Returns whether it has
/// exited.
///
/// # Errors
/// `ECHILD` if it is not a child of this process.
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
