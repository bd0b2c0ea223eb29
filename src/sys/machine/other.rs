//! Elsewhere nothing is told, and nobody is bound.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::AtomicU32;

use nix::unistd::Pid;

use super::{Account, Core, Occupation};

fn lacks(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, reason)
}

pub const CALLS_SOURCE: &str = "no counter";

/// There are none.
#[derive(Debug)]
pub struct Calls;

impl Calls {
    pub fn of(_pids: &[Pid]) -> io::Result<Calls> {
        Err(lacks("system calls of other processes are not counted on this system"))
    }

    pub fn so_far(&self) -> io::Result<u64> {
        Err(lacks("system calls are not counted on this system"))
    }
}

pub fn io_uring() -> io::Result<()> {
    Err(lacks("io_uring is Linux's"))
}

pub fn usable_processors() -> io::Result<Vec<usize>> {
    Ok((0..std::thread::available_parallelism()?.get()).collect())
}

pub fn core_of(_processor: usize) -> io::Result<Core> {
    Err(lacks("how processors share cores is not looked up on this system"))
}

pub fn confine_thread(_processors: &[usize]) -> io::Result<()> {
    Err(lacks("processes are not bound to processors on this system"))
}

pub fn confine_process(_pid: Pid, processors: &[usize]) -> io::Result<()> {
    confine_thread(processors)
}

pub fn hold_awake() -> io::Result<OwnedFd> {
    Err(lacks("idle states are not held off on this system"))
}

pub fn account(_pid: Pid) -> io::Result<Account> {
    Err(lacks("what another process uses is not told on this system"))
}

pub const OCCUPATION_SOURCE: &str = "no counter";

pub fn occupation(_processors: &[usize]) -> io::Result<Occupation> {
    Err(lacks("how busy processors are is not told on this system"))
}

pub fn sleep_on(_word: &AtomicU32, _value: u32) -> io::Result<()> {
    Err(lacks("no futex(2) on this system"))
}

pub fn wake(_word: &AtomicU32) -> io::Result<()> {
    Err(lacks("no futex(2) on this system"))
}
