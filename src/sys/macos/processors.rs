//! macOS: no hard affinity, no say in idle states.

use std::io;

use nix::unistd::Pid;

use crate::sys::types::{Core, IdleStatesDisabled};
pub use crate::sys::unsupported::processors::usable_processors;
use crate::sys::unsupported::unsupported;

pub fn core_of(_processor: usize) -> io::Result<Core> {
    unsupported("macOS does not number the cores of its processors")
}

pub fn pin_thread(_processors: &[usize]) -> io::Result<()> {
    unsupported(
        "macOS binds no thread to a processor: THREAD_AFFINITY_POLICY is a hint, and none on Apple's processors",
    )
}

pub fn pin_process(_pid: Pid, processors: &[usize]) -> io::Result<()> {
    confine_thread(processors)
}

pub fn disable_idle_states() -> io::Result<IdleStatesDisabled> {
    unsupported("macOS has no interface by which a program holds the processors' idle states off")
}
