//! What a child has from its first instruction on, besides the descriptors it is given.

use std::os::unix::process::CommandExt;
use std::process::Command;

use nix::libc;
use nix::sys::resource::{Resource, rlim_t, setrlimit};
use nix::sys::signal::{SigHandler, SigSet, Signal, signal};
use nix::unistd::setsid;

/// What [`set_child_attributes`] leaves to a child.
#[derive(Debug, Clone, Default)]
pub struct ChildAttributes {
    /// Soft and hard limit of its descriptors.
    pub descriptor_limit: Option<rlim_t>,
    /// QueuedSignals that are ignored.
    pub ignored_signals: &'static [Signal],
    /// QueuedSignals that are blocked.
    pub blocked_signals: &'static [Signal],
    /// Descriptors that are closed.
    pub closed_descriptors: Vec<i32>,
}

/// Has the child of `command` start in a session of its own: setsid(2). What is sent to the groups of this terminal
/// does not reach it.
#[expect(unsafe_code, reason = "only the child itself can leave, between fork and exec")]
pub fn start_new_session(command: &mut Command) {
    // SAFETY: the closure makes one system call and allocates nothing, so it is async-signal-safe.
    unsafe { command.pre_exec(|| setsid().map(drop).map_err(Into::into)) };
}

/// signal(7).
const UNCHANGEABLE: [Signal; 2] = [Signal::SIGKILL, Signal::SIGSTOP];

/// Has the child of `command` start with `inheritance`, after everything else that the command says; whatever signals
/// we ourselves were started with blocked or ignored, as under nohup(1), do not reach it.
#[expect(
    unsafe_code,
    reason = "limits, signals and descriptors are the child's own only between fork and exec"
)]
pub fn set_child_attributes(command: &mut Command, attributes: ChildAttributes) {
    let prepare = move || {
        if let Some(limit) = attributes.descriptor_limit {
            setrlimit(Resource::RLIMIT_NOFILE, limit, limit)?;
        }
        for number in Signal::iterator().filter(|number| !UNCHANGEABLE.contains(number)) {
            let ignored = attributes.ignored_signals.contains(&number);
            // SAFETY: no handler is installed.
            unsafe { signal(number, if ignored { SigHandler::SigIgn } else { SigHandler::SigDfl }) }?;
        }
        SigSet::from_iter(attributes.blocked_signals.iter().copied()).thread_set_mask()?;
        for &number in &attributes.closed_descriptors {
            // SAFETY: the child is about to execute another program, and nothing in between uses the number.
            unsafe { libc::close(number) };
        }
        Ok(())
    };
    // SAFETY: the closure makes system calls and allocates nothing, so it is async-signal-safe.
    unsafe { command.pre_exec(prepare) };
}
