//! The names of facts that [`suitability`](super::suitability) judges.

/// The name of the fact that tells the load average of the minute before a comparison.
pub const LOAD_AVERAGE: &str = "load average before";
/// The name of the fact that tells the share of a comparison's processor time that the hypervisor gave to other
/// guests.
pub const STOLEN_TIME: &str = "stolen time";
/// The name of the fact that tells the build profile of echospec.
pub const BUILD_PROFILE: &str = "build of echospec";
/// The name of the fact that tells whether system calls can be counted.
pub const CALL_COUNTING: &str = "system calls";
/// The name of the fact that tells the frequency governor of the processors.
pub const FREQUENCY_GOVERNOR: &str = "cpufreq governor";
/// The name of the fact that tells the clock source of `CLOCK_MONOTONIC`.
pub const CLOCK_SOURCE: &str = "clock source";
/// The name of the fact that tells the processor quota of the container.
pub const PROCESSOR_QUOTA: &str = "processor quota";
/// The name of the fact that tells the default congestion control of TCP.
pub const CONGESTION_CONTROL: &str = "net.ipv4.tcp_congestion_control";
/// The name of the fact that tells the maximum size of a message in a POSIX queue, without a privilege.
pub const QUEUE_MESSAGE_LIMIT: &str = "fs.mqueue.msgsize_max";
/// The name of the fact that tells whether this process may use io_uring.
pub const IO_URING: &str = "io_uring";
