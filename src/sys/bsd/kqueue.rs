//! The end of a process: `EVFILT_PROC` of kqueue(2).

use std::io;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::libc;
use nix::sys::event::{EvFlags, EventFilter, FilterFlag, KEvent, Kqueue};
use nix::sys::time::TimeSpec;
use nix::unistd::Pid;

use crate::sys::unix::exit::wait_without_reaping;

/// Waits until `pid` has exited or `limit` has passed. Returns whether it has exited. Does not reap the process.
///
/// Verified: type-checked, and against `proc_exit` in XNU and `exit1` in FreeBSD. Look first at a process that is
/// not a child.
///
/// # Errors
/// Those of kqueue(2) and kevent(2).
pub fn wait_for_exit(pid: Pid, limit: Duration) -> io::Result<bool> {
    let exited = wait_for_announcement(pid, limit)?;
    if exited {
        wait_for_zombie(pid);
    }
    Ok(exited)
}

fn wait_for_announcement(pid: Pid, limit: Duration) -> io::Result<bool> {
    let deadline = Instant::now() + limit.min(MAX_TIMEOUT);
    let queue = Kqueue::new()?;
    let mut events = [exit_event(pid)];
    // Without room for events, kevent(2) only registers, and returns a failure of that as its own error.
    match queue.kevent(&events, &mut [], None) {
        Err(Errno::ESRCH) => return Ok(true),
        registered => registered?,
    };
    loop {
        let left = TimeSpec::from(deadline.saturating_duration_since(Instant::now()));
        match queue.kevent(&[], &mut events, Some(*left.as_ref())) {
            Err(Errno::EINTR) => {}
            arrived => return Ok(arrived? > 0),
        }
    }
}

/// The maximum timeout of a wait for a process to exit: one year. Some kernels refuse a timeout of more than 100 000
/// 000 seconds with `EINVAL`.
const MAX_TIMEOUT: Duration = Duration::from_secs(365 * 24 * 60 * 60);

fn exit_event(pid: Pid) -> KEvent {
    let process = pid.as_raw() as libc::uintptr_t;
    KEvent::new(process, EventFilter::EVFILT_PROC, EvFlags::EV_ADD, FilterFlag::NOTE_EXIT, 0, 0)
}

/// Waits until waitid(2) reports that the child `pid` is a zombie. The kernel announces an exit shortly before
/// (`proc_exit` in XNU, `exit1` in FreeBSD). The zombie is certain to come, so there is no time limit. For a process
/// that is not our child, waitid(2) returns `ECHILD` at once.
fn wait_for_zombie(pid: Pid) {
    while let Err(Errno::EINTR) = wait_without_reaping(pid, 0) {}
}
