//! How a process ends, for systems with kqueue(2): macOS and the BSDs.

use std::io;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::libc;
use nix::sys::event::{EvFlags, EventFilter, FilterFlag, KEvent, Kqueue};
use nix::sys::time::TimeSpec;
use nix::unistd::Pid;

use crate::sys::unix::exit::wait_without_reaping;

pub fn wait_for_exit(pid: Pid, limit: Duration) -> io::Result<bool> {
    let ended = exit_is_announced(pid, limit)?;
    if ended {
        await_zombie(pid);
    }
    Ok(ended)
}

fn exit_is_announced(pid: Pid, limit: Duration) -> io::Result<bool> {
    let deadline = Instant::now() + limit.min(LONGEST);
    let queue = Kqueue::new()?;
    let mut events = [exit_of(pid)];
    // Without room for events kevent(2) only registers, and returns what went wrong as its own error.
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

/// A year. Some kernels refuse a timeout of more than 100 000 000 seconds with `EINVAL`.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

fn exit_of(pid: Pid) -> KEvent {
    let process = pid.as_raw() as libc::uintptr_t;
    KEvent::new(process, EventFilter::EVFILT_PROC, EvFlags::EV_ADD, FilterFlag::NOTE_EXIT, 0, 0)
}

/// The kernel announces an exit shortly before it makes the zombie (`proc_exit` in XNU, `exit1` in FreeBSD),
/// and until then `exit_status` would still find the child alive. Nothing can call the exit off any
/// more, so this has no limit. For a process that is no child of ours waitid(2) gives `ECHILD` at once.
fn await_zombie(pid: Pid) {
    while let Err(Errno::EINTR) = wait_without_reaping(pid, 0) {}
}
