//! Elsewhere nobody lists them: macOS tells of System V objects to its superuser's tools alone.

use std::io;
use std::path::PathBuf;

use nix::unistd::Pid;

use crate::sys::types::{IpcName, IpcObject};

pub fn ipc_objects() -> io::Result<Vec<IpcObject>> {
    Err(io::ErrorKind::Unsupported.into())
}

pub fn ipc_users(object: &IpcObject) -> Vec<Pid> {
    object.told.clone()
}

pub fn ipc_names_held(_pid: Pid, _files: &[PathBuf]) -> Vec<PathBuf> {
    Vec::new()
}

pub fn remove_ipc(_name: &IpcName) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
