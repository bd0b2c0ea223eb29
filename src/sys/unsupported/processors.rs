//! The number of processors is known, and nothing else.

use std::io;

use nix::unistd::Pid;

use super::unsupported;
use crate::sys::types::{Awake, Core};

pub fn usable_processors() -> io::Result<Vec<usize>> {
    Ok((0..std::thread::available_parallelism()?.get()).collect())
}

pub fn core_of(_processor: usize) -> io::Result<Core> {
    unsupported("how processors share cores is not looked up on this system")
}

pub fn confine_thread(_processors: &[usize]) -> io::Result<()> {
    unsupported("processes are not bound to processors on this system")
}

pub fn confine_process(_pid: Pid, processors: &[usize]) -> io::Result<()> {
    confine_thread(processors)
}

pub fn hold_awake() -> io::Result<Awake> {
    unsupported("idle states are not held off on this system")
}
