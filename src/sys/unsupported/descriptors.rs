//! Descriptor tables: nothing shows that of another process.

use std::io;
use std::os::fd::RawFd;

use nix::unistd::Pid;

use super::unsupported;
use crate::sys::types::{AccessMode, Descriptor, OpenFile};

/// Returns `Unsupported`: this system does not show the descriptors of a process.
pub fn descriptors(_pid: Pid) -> io::Result<Vec<Descriptor>> {
    unsupported("this system does not show the descriptors of a process")
}

/// Returns `Unsupported`: this system does not show the descriptors of a process.
pub fn descriptor_count(_pid: Pid) -> io::Result<usize> {
    unsupported("this system does not show the descriptors of a process")
}

/// Returns `None`: this system does not show the access mode of a descriptor.
#[must_use]
pub fn access_mode(_pid: Pid, _number: RawFd) -> Option<AccessMode> {
    None
}

/// Returns `Unsupported`: this system does not show open file descriptions.
pub fn open_file(_pid: Pid, _number: RawFd) -> io::Result<OpenFile> {
    unsupported("this system does not show open file descriptions")
}

/// Returns `Unsupported`: this system does not compare open file descriptions.
pub fn same_open_file(_one: (Pid, RawFd), _other: (Pid, RawFd)) -> io::Result<bool> {
    unsupported("this system does not compare open file descriptions")
}
