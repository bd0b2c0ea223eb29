//! A command that is launched only to be looked at.

use std::ffi::OsString;
use std::io;
use std::os::fd::RawFd;
use std::process::{Child, Command, ExitStatus};
use std::time::Duration;

use nix::unistd::Pid;

use super::with_descendants;
use crate::check;
use crate::deadline::{Deadlines, until};
use crate::sys;

/// A command under way. Its processes end with the program: see [`sweep`](crate::server::sweep).
#[derive(Debug)]
pub struct Launched {
    child: Child,
}

/// How a launched command came to rest.
#[derive(Debug)]
pub enum Settled {
    /// None of its processes has run for a while.
    Rests,
    /// It runs on and on.
    Busy,
    /// It has ended.
    Ended(ExitStatus),
}

/// What changes whenever a process does something.
#[derive(Debug, PartialEq, Eq)]
struct Trace {
    pid: Pid,
    ran: Duration,
    descriptors: Vec<RawFd>,
}

impl Launched {
    /// Launches `command` with the standard descriptors of this process.
    ///
    /// # Errors
    /// Where it cannot be executed.
    pub fn launch(command: &[OsString]) -> io::Result<Launched> {
        let (program, arguments) = command.split_first().ok_or(io::ErrorKind::InvalidInput)?;
        let mut command = Command::new(program);
        command.args(arguments);
        sys::set_subreaper(true);
        sys::kill_with_parent(&mut command);
        sys::restore_descriptor_limit(&mut command);
        Ok(Launched { child: sys::with_launch_lock(|| command.spawn())? })
    }

    /// Its process.
    #[must_use]
    pub fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().cast_signed())
    }

    /// Waits until the kernel has given none of its processes a processor, nor seen them come or go or open
    /// anything, for as long as a stall must last to be believed; at most as long as a conversation may stand still.
    ///
    /// # Errors
    /// Only when interrupted.
    pub fn settle(&self, deadlines: Deadlines) -> check::Result<Settled> {
        let mut seen = self.traces();
        let mut changed = std::time::Instant::now();
        let settled = until(deadlines.no_progress(), || {
            if let Ok(Some(status)) = sys::exit_status(self.pid()) {
                return Ok(Some(Settled::Ended(status)));
            }
            let now = self.traces();
            if now != seen {
                seen = now;
                changed = std::time::Instant::now();
            }
            Ok((changed.elapsed() >= deadlines.quiet()).then_some(Settled::Rests))
        })?;
        Ok(settled.unwrap_or(Settled::Busy))
    }

    fn traces(&self) -> Vec<Trace> {
        with_descendants(&[self.pid()]).unwrap_or_default().into_iter().map(trace).collect()
    }
}

fn trace(pid: Pid) -> Trace {
    let ran =
        sys::scheduler_stats(pid).map(|it| it.ran).or_else(|_| sys::process_stats(pid).map(|it| it.cpu));
    let descriptors = sys::descriptors(pid).unwrap_or_default();
    let descriptors = descriptors.into_iter().map(|descriptor| descriptor.number).collect();
    Trace { pid, ran: ran.unwrap_or_default(), descriptors }
}
