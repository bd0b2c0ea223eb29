//! What is known of a process and its threads.

use std::collections::BTreeMap;
use std::os::fd::RawFd;
use std::time::Duration;

use nix::unistd::Pid;

/// What a process has used so far, and uses now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ProcessStats {
    /// Processor time of all its threads, in user and kernel mode.
    pub cpu: Duration,
    /// Its threads.
    pub threads: usize,
    /// Its resident memory, in bytes.
    pub resident: u64,
}

/// What the scheduler has given to threads, and what they had to wait for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SchedulerStats {
    /// How long they ran.
    pub ran: Duration,
    /// How long they were ready to run while others had the processors.
    pub queued: Duration,
}

/// QueuedSignals as bits: signal N is bit N − 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SignalSets {
    /// Held back until they are unblocked.
    pub blocked: u64,
    /// Never delivered.
    pub ignored: u64,
}

/// A thread that sleeps in a system call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SleepingThread {
    /// The thread's number; the main thread's is that of its process.
    pub thread: Pid,
    /// Where in the kernel it sleeps.
    pub wait_channel: String,
    /// The first argument of its system call: for those that wait on a descriptor, such as read(2) and accept(2),
    /// that descriptor.
    pub first_argument: RawFd,
}

/// One process as the kernel lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its process id.
    pub pid: Pid,
    /// The process that will be told of its death.
    pub parent: Pid,
    /// Its process group.
    pub group: Pid,
    /// The program's file name, at least its first 15 characters.
    pub name: String,
    /// True once it has ended and only waits to be reaped.
    pub zombie: bool,
    /// True while SIGSTOP or its like holds it.
    pub stopped: bool,
}

/// What a process has used since it began.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ResourceUsage {
    /// When it began, in the system's own unit: with its number it names the process for good.
    pub start_time: u64,
    /// Processor time of all its threads, those that have ended included.
    pub cpu: Duration,
    /// The part of it that was spent in user mode, by the system's own sampling: see [`account`].
    pub user: Duration,
    /// The part of it that was spent in the kernel; the two may be less than `cpu`.
    pub system: Duration,
    /// Processor time of its children that have ended and that it has waited for.
    pub children: Duration,
    /// How often threads gave the processor up, or lost it, by thread; a thread that has ended is missing. `None`
    /// where the system does not tell.
    pub switches: Option<BTreeMap<i32, ContextSwitches>>,
}

/// How often a thread stopped running.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ContextSwitches {
    /// Because it had to wait for something.
    pub voluntary: u64,
    /// Because the scheduler gave the processor to another.
    pub involuntary: u64,
}
