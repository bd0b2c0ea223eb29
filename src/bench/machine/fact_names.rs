//! The names of facts that [`suitability`](super::suitability) judges.

/// The load average of the minute before the run.
pub const LOAD_AVERAGE: &str = "load average before";
/// The share of the run's processor time that the hypervisor gave to other guests.
pub const STOLEN_TIME: &str = "stolen time";
/// The build profile of echospec.
pub const BUILD_PROFILE: &str = "build of echospec";
/// The fact whether system calls can be counted.
pub const CALL_COUNTING: &str = "system calls";
/// The frequency governor of the processors.
pub const FREQUENCY_GOVERNOR: &str = "cpufreq governor";
/// The clock source of `CLOCK_MONOTONIC`.
pub const CLOCK_SOURCE: &str = "clock source";
/// The processor quota of the container.
pub const PROCESSOR_QUOTA: &str = "processor quota";
/// The default congestion control of TCP.
pub const CONGESTION_CONTROL: &str = "net.ipv4.tcp_congestion_control";
/// Maximum size of a message in a POSIX queue, without a privilege.
pub const QUEUE_MESSAGE_LIMIT: &str = "fs.mqueue.msgsize_max";
/// The fact whether this process may use io_uring.
pub const IO_URING: &str = "io_uring";
