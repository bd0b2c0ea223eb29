//! How a process ends, for systems with kqueue(2): macOS and the BSDs.

use std::io;
use std::mem::MaybeUninit;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::libc;
use nix::sys::event::{EvFlags, EventFilter, FilterFlag, KEvent, Kqueue};
use nix::sys::time::TimeSpec;
use nix::unistd::Pid;

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
/// and until then [`exit_status`] would still find the child alive. Nothing can call the exit off any
/// more, so this has no limit. For a process that is no child of ours waitid(2) gives `ECHILD` at once.
fn await_zombie(pid: Pid) {
    while let Err(Errno::EINTR) = look_at_end(pid, 0) {}
}

pub fn exit_status(pid: Pid) -> io::Result<Option<ExitStatus>> {
    let end = look_at_end(pid, libc::WNOHANG)?;
    Ok((end.si_pid != 0).then(|| status(&end)))
}

/// The status as wait(2) encodes it: an exit code in the second byte, a signal in the first.
fn status(end: &libc::siginfo_t) -> ExitStatus {
    const DUMPED_CORE: i32 = 0x80;
    ExitStatus::from_raw(match end.si_code {
        libc::CLD_EXITED => (end.si_status & 0xff) << 8,
        libc::CLD_DUMPED => end.si_status | DUMPED_CORE,
        _ => end.si_status,
    })
}

/// How a child has ended, without reaping it. With `WNOHANG` and a child that lives, `si_pid` is 0.
#[expect(unsafe_code, reason = "nix has waitid(2) for FreeBSD, but not for macOS")]
fn look_at_end(pid: Pid, options: libc::c_int) -> nix::Result<libc::siginfo_t> {
    let options = options | libc::WEXITED | libc::WNOWAIT;
    let mut end = MaybeUninit::zeroed();
    // SAFETY: `end` has room for the one siginfo_t that the call may write.
    let answer = unsafe { libc::waitid(libc::P_PID, pid.as_raw() as libc::id_t, end.as_mut_ptr(), options) };
    Errno::result(answer)?;
    // SAFETY: siginfo_t is made of integers and pointers, for which zeros are valid too.
    Ok(unsafe { end.assume_init() })
}
