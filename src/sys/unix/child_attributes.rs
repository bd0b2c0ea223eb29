//! Attributes of a child that are set between fork and exec.

use std::ops::Range;
use std::os::fd::RawFd;
use std::os::unix::process::CommandExt;
use std::process::Command;

use nix::libc;
use nix::sys::resource::{Resource, rlim_t, setrlimit};
use nix::sys::signal::{SigHandler, SigSet, Signal, signal};
use nix::unistd::setsid;

use super::limits::descriptor_limit;

/// Attributes of a child process, set by [`set_child_attributes`].
#[derive(Debug, Clone, Default)]
pub struct ChildAttributes {
    /// The soft and hard limit of the descriptors that the child can have open.
    pub descriptor_limit: Option<rlim_t>,
    /// The soft and hard limit of the threads that the child's user can have.
    pub task_limit: Option<u32>,
    /// The signals that the child ignores.
    pub ignored_signals: &'static [Signal],
    /// The signals that the child blocks.
    pub blocked_signals: &'static [Signal],
    /// The numbers of the descriptors that are closed in the child.
    pub closed_descriptors: Vec<i32>,
}

/// Makes the child of `command` start a session of its own: setsid(2). Signals to the process groups of this terminal
/// do not reach the child.
#[expect(unsafe_code, reason = "only the child itself can call setsid(2), between fork and exec")]
pub fn start_new_session(command: &mut Command) {
    // SAFETY: the closure makes one system call and allocates nothing, so it is async-signal-safe.
    unsafe { command.pre_exec(|| setsid().map(drop).map_err(Into::into)) };
}

/// Makes the child of `command` mark all descriptors above 2 close-on-exec before it executes its program. On macOS no
/// call makes a pipe, a socket or a copy with that mark at once, so that a child can inherit one that another thread
/// has just made.
#[expect(unsafe_code, reason = "only the child's own table may change, between fork and exec")]
pub fn inherit_no_descriptors(command: &mut Command) {
    let end = end_of_descriptors();
    let mark = move || {
        mark_close_on_exec(3..end);
        Ok(())
    };
    // SAFETY: the closure makes system calls and allocates nothing, so it is async-signal-safe.
    unsafe { command.pre_exec(mark) };
}

/// Returns a number above all descriptors of this process.
pub fn end_of_descriptors() -> RawFd {
    // Without a limit, a child would mark numbers for minutes. This process opens fewer.
    const MOST: RawFd = 65_536;
    RawFd::try_from(descriptor_limit()).unwrap_or(RawFd::MAX).min(MOST)
}

/// Marks the descriptors with these numbers close-on-exec. Allocates nothing.
#[expect(unsafe_code, reason = "a child knows the descriptors of its parent only by their numbers")]
pub fn mark_close_on_exec(numbers: Range<RawFd>) {
    for number in numbers {
        // SAFETY: the calls close nothing, and no Rust value depends on the mark. A number that is not open gives EBADF.
        unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) };
    }
}

/// The signals whose action no process can change: signal(7).
const FIXED_SIGNALS: [Signal; 2] = [Signal::SIGKILL, Signal::SIGSTOP];

/// Makes the child of `command` start with `attributes`. All other signals have the default action and are not
/// blocked, even if this process ignores some, as under nohup(1).
///
/// The attributes are set after everything else that `command` says.
#[expect(
    unsafe_code,
    reason = "limits, signals and descriptors can be set for the child only between fork and exec"
)]
pub fn set_child_attributes(command: &mut Command, attributes: ChildAttributes) {
    let prepare = move || {
        if let Some(limit) = attributes.descriptor_limit {
            setrlimit(Resource::RLIMIT_NOFILE, limit, limit)?;
        }
        if let Some(limit) = attributes.task_limit {
            set_task_limit(limit)?;
        }
        for number in Signal::iterator().filter(|number| !FIXED_SIGNALS.contains(number)) {
            let ignored = attributes.ignored_signals.contains(&number);
            // SAFETY: no handler is installed, so no code of this program runs on a signal.
            unsafe { signal(number, if ignored { SigHandler::SigIgn } else { SigHandler::SigDfl }) }?;
        }
        SigSet::from_iter(attributes.blocked_signals.iter().copied()).thread_set_mask()?;
        for &number in &attributes.closed_descriptors {
            // SAFETY: the child executes another program next, and nothing uses the descriptor before.
            unsafe { libc::close(number) };
        }
        Ok(())
    };
    // SAFETY: the closure makes system calls and allocates nothing, so it is async-signal-safe.
    unsafe { command.pre_exec(prepare) };
}

/// Sets the soft and hard `RLIMIT_NPROC`, which nix does not name on macOS. Allocates nothing.
fn set_task_limit(limit: u32) -> rustix::io::Result<()> {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let limit = Some(limit.into());
    setrlimit(Resource::Nproc, Rlimit { current: limit, maximum: limit })
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::fd::AsRawFd;

    use nix::fcntl::{FcntlArg, FdFlag, fcntl};

    use super::*;

    #[test]
    fn child_inherits_no_descriptor() {
        let file = File::open("/dev/null").unwrap();
        fcntl(&file, FcntlArg::F_SETFD(FdFlag::empty())).unwrap();
        let is_open = |prepare: fn(&mut Command)| {
            let mut command = Command::new("sh");
            command.args(["-c", &format!("[ -e /dev/fd/{} ]", file.as_raw_fd())]);
            prepare(&mut command);
            command.status().unwrap().success()
        };
        assert!(is_open(|_| ()));
        assert!(!is_open(inherit_no_descriptors));
    }
}
