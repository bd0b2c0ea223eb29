//! The processor time and memory of the server, and how long this process waited for a processor.

use std::io;
use std::time::Duration;

use nix::unistd::Pid;

use crate::server::Server;
use crate::sys;

/// The processor time and memory of all processes of the server at one moment.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ServerUse {
    pub cpu: Duration,
    pub resident: u64,
}

/// Returns what the server's processes use, or `None` if this system does not tell or the processes are not known.
pub(super) fn server_use(server: &Server) -> Option<ServerUse> {
    let mut sum = ServerUse::default();
    for process in server.processes().ok()? {
        match (sys::resource_usage(process.pid), sys::process_stats(process.pid)) {
            (Ok(usage), Ok(stats)) => {
                // The time of a child that has exited is among that of its parent.
                sum.cpu += usage.cpu + usage.children;
                sum.resident += stats.resident;
            }
            // The process exited after it was listed.
            (Err(error), _) | (_, Err(error)) if error.kind() == io::ErrorKind::NotFound => {}
            _ => return None,
        }
    }
    Some(sum)
}

/// Returns the time in which threads of this process were ready to run and waited for a processor, or `None` where the
/// system does not tell.
pub(super) fn own_wait() -> Option<Duration> {
    sys::scheduler_stats(Pid::this()).ok().map(|stats| stats.queued)
}
