//! Other ends of descriptors: nothing shows them.

use std::io;

use nix::unistd::Pid;

use super::unsupported;
use crate::sys::types::DescriptorEnd;

/// Stands for a snapshot of descriptors and their other ends on a system that shows no peers. The type has no values.
#[derive(Debug)]
pub enum DescriptorSnapshot {}

impl DescriptorSnapshot {
    /// Returns `Unsupported`: this system does not show the peers of descriptors.
    pub fn read_from_kernel() -> io::Result<DescriptorSnapshot> {
        unsupported("this system does not show the peers of descriptors")
    }

    /// Is never called, because on this system there is no snapshot of descriptors to read.
    pub fn descriptors(&self, _pid: Pid) -> io::Result<Vec<DescriptorEnd>> {
        match *self {}
    }
}
