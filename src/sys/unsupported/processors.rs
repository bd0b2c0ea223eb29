//! The number of processors is known, and nothing else.

use std::io;

use nix::unistd::Pid;

use super::unsupported;
use crate::sys::types::{Core, IdleStatesDisabled};

pub fn usable_processors() -> io::Result<Vec<usize>> {
    Ok((0..std::thread::available_parallelism()?.get()).collect())
}

pub fn core_of(_processor: usize) -> io::Result<Core> {
    unsupported("how processors share cores is not looked up on this system")
}

pub fn pin_thread(_processors: &[usize]) -> io::Result<()> {
    unsupported("processes are not bound to processors on this system")
}

pub fn pin_process(_pid: Pid, processors: &[usize]) -> io::Result<()> {
    pin_thread(processors)
}

pub fn disable_idle_states() -> io::Result<IdleStatesDisabled> {
    unsupported("idle states are not held off on this system")
}
