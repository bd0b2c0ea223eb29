//! No account of what another process uses.

use std::io;

use nix::unistd::Pid;

use super::unsupported;
use crate::sys::types::ResourceUsage;

pub fn resource_usage(_pid: Pid) -> io::Result<ResourceUsage> {
    unsupported("what another process uses is not told on this system")
}
