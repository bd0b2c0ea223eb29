//! The process of a server that runs already.

use std::io;

use nix::unistd::Pid;

use crate::sys::{self, Process};

/// A process of a running server that the harness did not launch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct AttachedProcess(pub Pid);

impl AttachedProcess {
    /// Lists the process and its descendants that live, the process itself first.
    ///
    /// # Errors
    /// `Unsupported` where the system does not list processes.
    pub fn processes(self) -> io::Result<Vec<Process>> {
        let all = sys::processes()?;
        let pids = sys::with_descendants(vec![self.0], |parent| {
            all.iter().filter(|process| process.parent == parent).map(|process| process.pid).collect()
        });
        let find = |pid: &Pid| all.iter().find(|process| process.pid == *pid && !process.zombie).cloned();
        Ok(pids.iter().filter_map(find).collect())
    }
}
