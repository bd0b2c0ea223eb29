//! Elsewhere nothing is told.

use std::io;
use std::net::SocketAddr;
use std::os::fd::BorrowedFd;

use nix::unistd::Pid;

use crate::sys::types::{Queues, Scheduling, SignalSets, Sleeper, Vitals};

pub fn vitals(_pid: Pid) -> io::Result<Vitals> {
    Err(io::ErrorKind::Unsupported.into())
}

pub fn signals(_pid: Pid) -> io::Result<SignalSets> {
    Err(io::ErrorKind::Unsupported.into())
}

pub fn waits_to_write_to_pipe(_pid: Pid) -> io::Result<bool> {
    Err(io::ErrorKind::Unsupported.into())
}

pub fn tcp_queues(_local: SocketAddr, _remote: SocketAddr) -> io::Result<Option<Queues>> {
    Err(io::ErrorKind::Unsupported.into())
}

pub fn scheduling(_pid: Pid) -> io::Result<Scheduling> {
    Err(io::ErrorKind::Unsupported.into())
}

pub fn acknowledge_at_once(_socket: BorrowedFd<'_>) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

pub fn state(_pid: Pid) -> Option<&'static str> {
    None
}

pub fn waits(_pid: Pid) -> Vec<String> {
    Vec::new()
}

pub fn command_line(_pid: Pid) -> Vec<String> {
    Vec::new()
}

pub fn peak_memory(_pid: Pid) -> io::Result<u64> {
    Err(io::ErrorKind::Unsupported.into())
}

pub fn is_at_rest(_pid: Pid) -> Option<bool> {
    None
}

pub fn sleepers(_pid: Pid) -> io::Result<Vec<Sleeper>> {
    Err(io::ErrorKind::Unsupported.into())
}
