//! IPC objects: nothing lists them for an ordinary user.

use std::io;
use std::path::PathBuf;

use nix::unistd::Pid;

use super::unsupported;
use crate::sys::types::{IpcId, IpcObject};

/// Returns `Unsupported`: this system does not list IPC objects.
pub fn ipc_objects() -> io::Result<Vec<IpcObject>> {
    unsupported("this system does not list IPC objects")
}

/// Returns the processes that were recorded in the IPC object `object` when it was listed.
#[must_use]
pub fn ipc_object_processes(object: &IpcObject) -> Vec<Pid> {
    object.pids.clone()
}

/// Returns an empty list: this system does not show the open files of a process.
#[must_use]
pub fn open_ipc_files(_pid: Pid, _files: &[PathBuf]) -> Vec<PathBuf> {
    Vec::new()
}

/// Returns `Unsupported`: this system does not list IPC objects, so there is none to remove.
pub fn remove_ipc_object(_id: &IpcId) -> io::Result<()> {
    unsupported("this system does not list IPC objects, so there is none to remove")
}
