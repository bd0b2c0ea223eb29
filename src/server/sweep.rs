//! The end of a program that uses this library: kill every descendant, remove every file.

use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use super::process::{REAP_TIMEOUT, finish_guard};
use super::scratch;
use crate::deadline::Countdown;
use crate::sys;
use crate::transport::remove_all_leftovers;

/// Kills every descendant of this process, whichever process started it, and removes the files of all servers.
///
/// For programs about to exit that have no children of their own. This finds processes that no
/// [`Server`](super::Server) finds: those that cleared their environment and left their group and parent.
/// It cannot find those where the system has no subreapers, because they are no longer descendants.
pub fn sweep() {
    finish_guard();
    let mut countdown = Countdown::new(REAP_TIMEOUT);
    while !countdown.left().is_zero() {
        for process in sys::descendants(Pid::this()).unwrap_or_default() {
            let _ = kill(process.pid, Signal::SIGKILL);
        }
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::StillAlive) => thread::park_timeout(Duration::from_millis(1)),
            Ok(_) | Err(Errno::EINTR) => {}
            Err(_) => break, // ECHILD: no child is left.
        }
    }
    scratch::remove_all();
    remove_all_leftovers();
}
