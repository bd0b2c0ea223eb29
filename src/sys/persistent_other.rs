//! Elsewhere nobody lists them: macOS tells of System V objects to its superuser's tools alone.

use std::io;
use std::path::PathBuf;

use nix::unistd::Pid;

use super::persistent::{IpcName, IpcObject};

pub fn objects() -> io::Result<Vec<IpcObject>> {
    Err(io::ErrorKind::Unsupported.into())
}

pub fn users(object: &IpcObject) -> Vec<Pid> {
    object.told.clone()
}

pub fn held(_pid: Pid, _files: &[PathBuf]) -> Vec<PathBuf> {
    Vec::new()
}

pub fn remove(_name: &IpcName) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
