//! IPC objects: nothing lists them for an ordinary user.

use std::io;
use std::path::PathBuf;

use nix::unistd::Pid;

use super::not_available;
use crate::sys::types::{IpcId, IpcObject};

/// Returns `Unsupported`.
pub fn ipc_objects() -> io::Result<Vec<IpcObject>> {
    not_available()
}

/// Returns the processes that are recorded in `object`.
#[must_use]
pub fn ipc_object_processes(object: &IpcObject) -> Vec<Pid> {
    object.pids.clone()
}

/// Returns an empty list.
#[must_use]
pub fn open_ipc_files(_pid: Pid, _files: &[PathBuf]) -> Vec<PathBuf> {
    Vec::new()
}

/// Returns `Unsupported`.
pub fn remove_ipc_object(_id: &IpcId) -> io::Result<()> {
    not_available()
}
