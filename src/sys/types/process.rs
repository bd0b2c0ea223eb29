//! Processes and threads.

use std::collections::BTreeMap;
use std::os::fd::RawFd;
use std::time::Duration;

use nix::unistd::Pid;

/// A process as the kernel lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// The id of the process.
    pub pid: Pid,
    /// The id of the parent process.
    pub parent: Pid,
    /// The id of the process group.
    pub group: Pid,
    /// The file name of the process's program, cut to 15 characters or more.
    pub name: String,
    /// Whether the process has exited and was not reaped yet.
    pub zombie: bool,
    /// Whether a signal such as SIGSTOP has stopped the process.
    pub stopped: bool,
}

/// Processor time, threads and memory of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ProcessStats {
    /// The processor time of all threads of the process, in user and kernel mode.
    pub cpu: Duration,
    /// The number of threads of the process.
    pub threads: usize,
    /// The resident memory of the process in bytes.
    pub resident: u64,
}

/// Time that threads have spent on a processor and waiting for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SchedulerStats {
    /// The time that the threads spent on a processor.
    pub ran: Duration,
    /// The time in which the threads could run but other threads had the processors.
    pub queued: Duration,
}

/// Processor time and context switches of a process since it started.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ResourceUsage {
    /// The start time of the process in the system's own unit. Together with the process id, it identifies a process
    /// for ever.
    pub start_time: u64,
    /// The processor time of all threads of the process, including those that have exited.
    pub cpu: Duration,
    /// The processor time of the process in user mode. The kernel samples it, so it is less exact than `cpu`.
    pub user: Duration,
    /// The processor time of the process in kernel mode, as exact as `user`. The two can add up to less than `cpu`.
    pub system: Duration,
    /// The processor time of the children that this process has reaped.
    pub children: Duration,
    /// The context switches of each thread of the process by thread id. Threads that have exited are missing. `None`
    /// where the system does not count them.
    pub switches: Option<BTreeMap<i32, ContextSwitches>>,
}

/// The number of context switches of a thread: how often it stopped running, by reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ContextSwitches {
    /// The number of times that the thread stopped running because it had to wait.
    pub voluntary: u64,
    /// The number of times that the scheduler gave the processor to another thread.
    pub involuntary: u64,
}

/// The signals that a process blocks, ignores and handles, as sets of bits: signal N is bit N − 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SignalSets {
    /// The signals that the process blocks: they stay pending until they are unblocked.
    pub blocked: u64,
    /// The signals that the process ignores: the kernel discards them.
    pub ignored: u64,
    /// The signals for which the process has a handler.
    pub caught: u64,
}

/// A thread that sleeps in a system call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SleepingThread {
    /// The id of the thread. The main thread's id is the process id.
    pub thread: Pid,
    /// The kernel function that the thread sleeps in.
    pub wait_channel: String,
    /// The first argument of the system call that the thread sleeps in. For read(2), accept(2) and the like, it is the
    /// descriptor.
    pub first_argument: RawFd,
}
