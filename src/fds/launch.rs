//! Launches a command in order to inspect it.

use std::ffi::OsString;
use std::io;
use std::os::fd::RawFd;
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use nix::unistd::Pid;

use super::inspect::with_descendants;
use crate::check;
use crate::deadline::{Deadlines, until};
use crate::sys;

/// A running command that was launched to be inspected. [`sweep`](crate::server::sweep) kills its processes before
/// this program exits.
#[derive(Debug)]
pub struct LaunchedCommand {
    child: Child,
}

/// The activity of the processes of a launched command: idle, busy or exited.
#[derive(Debug)]
pub enum Activity {
    /// No process of the launched command has run for a while.
    Idle,
    /// Some process of the launched command keeps running.
    Busy,
    /// The launched command has exited.
    Exited(ExitStatus),
}

/// Describes what a process has done so far: the value changes whenever the process does something.
#[derive(Debug, PartialEq, Eq)]
struct ProcessActivity {
    pid: Pid,
    ran: Duration,
    descriptors: Vec<RawFd>,
    /// Whether the process neither runs nor waits for a processor.
    sleeps: bool,
}

impl LaunchedCommand {
    /// Launches `command` with the standard descriptors of this process.
    ///
    /// # Errors
    /// The error of execve(2).
    pub fn launch(command: &[OsString]) -> io::Result<LaunchedCommand> {
        let (program, arguments) = command.split_first().ok_or(io::ErrorKind::InvalidInput)?;
        let mut command = Command::new(program);
        command.args(arguments);
        sys::set_subreaper(true);
        sys::kill_with_parent(&mut command);
        sys::restore_descriptor_limit(&mut command);
        Ok(LaunchedCommand { child: sys::with_launch_lock(|| command.spawn())? })
    }

    /// Returns the process id of the launched command.
    #[must_use]
    pub fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().cast_signed())
    }

    /// Waits until the launched command is idle: for [`Deadlines::quiet`], none of its processes runs, waits for a
    /// processor, opens or closes a descriptor, starts or exits. Gives up after [`Deadlines::no_progress`].
    ///
    /// # Errors
    /// Interrupted if the user interrupts the run.
    pub fn wait_until_idle(&self, deadlines: Deadlines) -> check::Result<Activity> {
        let mut last = self.activity();
        let mut changed = Instant::now();
        let activity = until(deadlines.no_progress(), || {
            if let Ok(Some(status)) = sys::exit_status(self.pid()) {
                return Ok(Some(Activity::Exited(status)));
            }
            let now = self.activity();
            if now != last || now.iter().any(|process| !process.sleeps) {
                last = now;
                changed = Instant::now();
            }
            Ok((changed.elapsed() >= deadlines.quiet()).then_some(Activity::Idle))
        })?;
        Ok(activity.unwrap_or(Activity::Busy))
    }

    fn activity(&self) -> Vec<ProcessActivity> {
        with_descendants(&[self.pid()]).unwrap_or_default().into_iter().map(activity).collect()
    }
}

fn activity(pid: Pid) -> ProcessActivity {
    let ran =
        sys::scheduler_stats(pid).map(|it| it.ran).or_else(|_| sys::process_stats(pid).map(|it| it.cpu));
    let descriptors = sys::descriptors(pid).unwrap_or_default();
    let descriptors = descriptors.into_iter().map(|descriptor| descriptor.number).collect();
    // A process that forks waits like one that reads from a disk. Where the system does not tell, the process sleeps.
    let sleeps = !matches!(sys::process_state(pid), Some("running" | "waiting for a device"));
    ProcessActivity { pid, ran: ran.unwrap_or_default(), descriptors, sleeps }
}
