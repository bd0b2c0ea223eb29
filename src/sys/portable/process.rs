//! Processes: `/proc` in the place of libproc, and no sub-reaper.

use std::io;
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::unistd::Pid;

use crate::sys::unix::exit::poll_for_exit;

pub use crate::sys::linux::process::{
    children, command_line, executable, has_env_var, may_be_descendant, process_state, processes,
};
pub use crate::sys::unix::child_attributes::inherit_no_descriptors;
pub use crate::sys::unsupported::process::{kill_with_parent, set_subreaper};

/// Waits until `pid` has exited or `limit` has passed, by looking every millisecond. Returns whether it has exited. Does
/// not reap the process. As with kqueue(2), it need not be a child of this process.
///
/// # Errors
/// Those of waitid(2).
pub fn wait_for_exit(pid: Pid, limit: Duration) -> io::Result<bool> {
    match poll_for_exit(pid, limit) {
        Err(error) if error.raw_os_error() == Some(Errno::ECHILD as i32) => {}
        answer => return answer,
    }
    let deadline = Instant::now() + limit;
    while !matches!(process_state(pid), None | Some("dead")) {
        if Instant::now() >= deadline {
            return Ok(false);
        }
        thread::park_timeout(Duration::from_millis(1));
    }
    Ok(true)
}
