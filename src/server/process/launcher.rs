//! The thread that launches every server process.
//!
//! Linux sends the parent-death signal when the *thread* that forked ends (prctl(2)). A worker thread ends with
//! its checks, so it must not be that thread; this one lives as long as this process. It also keeps launches
//! from overlapping: where a pipe is made first and marked close-on-exec in a second step, no other launch of
//! ours can fork in between.

use std::io;
use std::os::fd::OwnedFd;
use std::process::{Child, Command};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::sys;

/// A request to the launching thread: the command, whether it becomes the first process of a PID namespace, and the
/// channel for the answer.
type Launch = (Command, bool, Sender<io::Result<Child>>);

/// Starts `command` with `passed` as its descriptors 3, 4, …, and as the first process of a PID namespace if
/// `first_process` says so.
pub(super) fn spawn_in_launcher(
    mut command: Command,
    passed: Vec<OwnedFd>,
    first_process: bool,
) -> io::Result<Child> {
    sys::inherit_no_descriptors(&mut command);
    sys::pass_descriptors(&mut command, 3, passed)?;
    sys::kill_with_parent(&mut command);
    let (answer, child) = channel();
    launcher()?
        .send((command, first_process, answer))
        .map_err(|_| io::Error::other("the launching thread has ended"))?;
    child.recv().map_err(|_| io::Error::other("the launching thread has ended"))?
}

/// Returns the queue of requests to the thread that launches processes. Starts the thread first if none runs.
fn launcher() -> io::Result<Sender<Launch>> {
    static LAUNCHER: Mutex<Option<Sender<Launch>>> = Mutex::new(None);
    let mut launcher = LAUNCHER.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(launches) = &*launcher {
        return Ok(launches.clone());
    }
    sys::return_freed_blocks();
    let (launches, queue) = channel::<Launch>();
    thread::Builder::new().name("launcher".into()).spawn(move || {
        for (mut command, first_process, answer) in queue {
            let child = sys::with_launch_lock(|| match first_process {
                true => sys::spawn_as_first_process(&mut command),
                false => command.spawn(),
            });
            // Our copies of the passed descriptors close before the caller goes on: while they are open, a
            // peer sees no end of file.
            drop(command);
            let _ = answer.send(child);
        }
    })?;
    Ok(launcher.insert(launches).clone())
}
