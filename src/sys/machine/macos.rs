//! macOS: no hard affinity, no say in idle states; libproc tells what processes use.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::AtomicU32;

use libproc::pid_rusage::{RUsageInfoV2, pidrusage};
use nix::unistd::Pid;

use super::{Account, Core, Occupation};
use crate::sys::vital_signs::duration;

#[path = "macos_calls.rs"]
mod calls;

pub use calls::{Calls, SOURCE as CALLS_SOURCE};

fn lacks(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, reason)
}

pub fn usable_processors() -> io::Result<Vec<usize>> {
    Ok((0..std::thread::available_parallelism()?.get()).collect())
}

pub fn core_of(_processor: usize) -> io::Result<Core> {
    Err(lacks("macOS does not number the cores of its processors"))
}

fn no_affinity() -> io::Error {
    lacks(
        "macOS binds no thread to a processor: THREAD_AFFINITY_POLICY is a hint, and none on Apple's processors",
    )
}

pub fn confine_thread(_processors: &[usize]) -> io::Result<()> {
    Err(no_affinity())
}

pub fn confine_process(_pid: Pid, _processors: &[usize]) -> io::Result<()> {
    Err(no_affinity())
}

pub fn hold_awake() -> io::Result<OwnedFd> {
    Err(lacks("macOS has no interface by which a program holds the processors' idle states off"))
}

/// The kinds of switches are told of our own process only.
pub fn account(pid: Pid) -> io::Result<Account> {
    let usage: RUsageInfoV2 =
        pidrusage(pid.as_raw()).map_err(|_| io::Error::from(io::ErrorKind::NotFound))?;
    let (user, system) = (duration(usage.ri_user_time), duration(usage.ri_system_time));
    Ok(Account {
        began: usage.ri_proc_start_abstime,
        cpu: user + system,
        user,
        system,
        reaped: duration(usage.ri_child_user_time + usage.ri_child_system_time),
        switches: None,
    })
}

pub const OCCUPATION_SOURCE: &str = "no counter";

pub fn occupation(_processors: &[usize]) -> io::Result<Occupation> {
    Err(lacks("how busy single processors are is not looked up on macOS"))
}

pub fn io_uring() -> io::Result<()> {
    Err(lacks("io_uring is Linux's"))
}

pub fn sleep_on(_word: &AtomicU32, _value: u32) -> io::Result<()> {
    Err(lacks("no futex(2) on this system"))
}

pub fn wake(_word: &AtomicU32) -> io::Result<()> {
    Err(lacks("no futex(2) on this system"))
}
