//! Elsewhere nobody lists them: macOS tells of System V objects to its superuser's tools alone.

use std::io;
use std::path::PathBuf;

use nix::unistd::Pid;

use crate::sys::types::{IpcId, IpcObject};

pub fn ipc_objects() -> io::Result<Vec<IpcObject>> {
    Err(io::ErrorKind::Unsupported.into())
}

pub fn ipc_object_processes(object: &IpcObject) -> Vec<Pid> {
    object.pids.clone()
}

pub fn open_ipc_files(_pid: Pid, _files: &[PathBuf]) -> Vec<PathBuf> {
    Vec::new()
}

pub fn remove_ipc_object(_name: &IpcId) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
