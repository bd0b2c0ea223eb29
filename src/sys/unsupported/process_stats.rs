//! Elsewhere nothing is told.

use std::io;
use std::net::SocketAddr;
use std::os::fd::BorrowedFd;

use nix::unistd::Pid;

use crate::sys::types::{ProcessStats, SchedulerStats, SignalSets, SleepingThread, TcpQueues};

pub fn process_stats(_pid: Pid) -> io::Result<ProcessStats> {
    Err(io::ErrorKind::Unsupported.into())
}

pub fn signal_sets(_pid: Pid) -> io::Result<SignalSets> {
    Err(io::ErrorKind::Unsupported.into())
}

pub fn is_blocked_writing_pipe(_pid: Pid) -> io::Result<bool> {
    Err(io::ErrorKind::Unsupported.into())
}

pub fn tcp_queues(_local: SocketAddr, _remote: SocketAddr) -> io::Result<Option<TcpQueues>> {
    Err(io::ErrorKind::Unsupported.into())
}

pub fn scheduler_stats(_pid: Pid) -> io::Result<SchedulerStats> {
    Err(io::ErrorKind::Unsupported.into())
}

pub fn enable_quick_ack(_socket: BorrowedFd<'_>) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

pub fn process_state(_pid: Pid) -> Option<&'static str> {
    None
}

pub fn wait_channels(_pid: Pid) -> Vec<String> {
    Vec::new()
}

pub fn command_line(_pid: Pid) -> Vec<String> {
    Vec::new()
}

pub fn peak_memory(_pid: Pid) -> io::Result<u64> {
    Err(io::ErrorKind::Unsupported.into())
}

pub fn all_threads_blocked(_pid: Pid) -> Option<bool> {
    None
}

pub fn sleeping_threads(_pid: Pid) -> io::Result<Vec<SleepingThread>> {
    Err(io::ErrorKind::Unsupported.into())
}
