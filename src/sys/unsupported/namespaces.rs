//! Namespaces: only Linux has them.

use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command};

use nix::unistd::Pid;

use super::unsupported;
use crate::sys::types::IpcObject;

/// The reason why no function for network and PID namespaces is available.
const REASON: &str = "this system has no namespaces";

/// Returns `Unsupported`: this system has no namespaces.
pub fn check_namespace_permission() -> io::Result<()> {
    unsupported(REASON)
}

/// Returns `Unsupported`: this system has no namespaces.
pub fn give_own_network(_command: &mut Command) -> io::Result<()> {
    unsupported(REASON)
}

/// Returns `Unsupported`: this system has no namespaces.
pub fn in_network_of<T: Send>(_pid: Pid, _action: impl FnOnce() -> T + Send) -> io::Result<T> {
    unsupported(REASON)
}

/// Returns `Unsupported`: this system has no namespaces.
pub fn udp_addresses_of(_pid: Pid) -> io::Result<Vec<SocketAddr>> {
    unsupported(REASON)
}

/// Returns `Unsupported`: this system has no namespaces.
pub fn spawn_as_first_process(_command: &mut Command) -> io::Result<Child> {
    unsupported(REASON)
}

/// Returns `Unsupported`: this system has no namespaces.
pub fn give_own_objects(_command: &mut Command, _folder: &Path) -> io::Result<()> {
    unsupported(REASON)
}

/// Returns `Unsupported`: this system has no namespaces.
pub fn ipc_namespace_of(_pid: Pid) -> io::Result<File> {
    unsupported(REASON)
}

/// Returns `Unsupported`: this system has no namespaces.
pub fn objects_in_namespace(_namespace: &File, _place: &Path) -> io::Result<Vec<IpcObject>> {
    unsupported(REASON)
}
