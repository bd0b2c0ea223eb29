//! Requirements of checks and comparisons on a machine. `echospec doctor`, checks and warnings use the same words.

use crate::check::Finding;

/// A property of a machine that checks or comparisons require.
#[derive(Debug)]
pub struct Requirement {
    /// The name of a requirement on the machine.
    pub name: &'static str,
    /// The checks or results that are affected on a machine that does not meet a requirement.
    pub affects: &'static str,
    /// Instructions to make the machine meet a requirement.
    pub help: &'static str,
}

/// The requirement that the system lists all processes and their descriptors.
pub const PROCESS_TABLE: Requirement = Requirement {
    name: "process table",
    affects: "checks of a server's processes and descriptors: most of fd/, and life/no-*",
    help: "mount /proc (Linux), and run as the server's user; other systems do not list them",
};

/// The requirement that the system lists all connections.
pub const CONNECTION_TABLE: Requirement = Requirement {
    name: "connection table",
    affects: "checks of TIME_WAIT, of unread bytes and of buffers",
    help: "mount /proc (Linux); elsewhere checks prove TIME_WAIT by a bind that fails",
};

/// The requirement that the system reports the processor time and memory of each process.
pub const PROCESSOR_TIME: Requirement = Requirement {
    name: "processor time",
    affects: "checks of a server that spins or grows: load/idle, load/no-*",
    help: "mount /proc (Linux)",
};

/// The requirement that the system lists IPC objects that outlive their creator.
pub const KERNEL_OBJECTS: Requirement = Requirement {
    name: "kernel objects",
    affects: "the check of IPC objects that a server leaves: life/leaves-nothing-behind",
    help: "mount /proc, and a tmpfs on /dev/shm (Linux); other systems do not list them",
};

/// The requirement that packets pass on the loopback interface.
pub const LOOPBACK: Requirement = Requirement {
    name: "loopback interface",
    affects: "every server that listens on 127.0.0.1",
    help: "enable the interface (Linux: ip link set lo up)",
};

/// The requirement that files can be made in the directory for temporary files.
pub const TEMPORARY_DIRECTORY: Requirement = Requirement {
    name: "temporary directory",
    affects: "every server, because each has a directory for its files and sockets",
    help: "free some space, or set TMPDIR to a directory to which this user can write",
};

/// The requirement that the loopback interface has more than one IPv4 address.
pub const SEVERAL_LOOPBACK_ADDRESSES: Requirement = Requirement {
    name: "127.0.0.2 and 127.0.0.3",
    affects: "checks with two client addresses: port/same-source-port, and servers bound to every address",
    help: "Linux has them; macOS: sudo ifconfig lo0 alias 127.0.0.2 up, and the same for 127.0.0.3",
};

/// The requirement that the loopback interface has the address `::1`.
pub const IPV6_LOOPBACK: Requirement = Requirement {
    name: "IPv6 loopback",
    affects: "servers that listen on [::1]",
    help: "enable IPv6 on the loopback interface (Linux: sysctl net.ipv6.conf.lo.disable_ipv6=0)",
};

/// The requirement that a process may open descriptors for many clients.
pub const MANY_DESCRIPTORS: Requirement = Requirement {
    name: "descriptors",
    affects: "checks with hundreds of clients, such as port/many-clients and load/beyond-fd-setsize; below 100, all checks",
    help: "raise the limit: ulimit -n 4096, LimitNOFILE=4096 or docker run --ulimit nofile=4096",
};

/// The requirement that the user may run a process for each client.
pub const MANY_PROCESSES: Requirement = Requirement {
    name: "processes",
    affects: "checks with 200 clients of a server that forks for each",
    help: "raise ulimit -u, or the container's pids limit, to 1000",
};

/// The requirement that the container has enough memory and processors.
pub const CONTAINER_SIZE: Requirement = Requirement {
    name: "container",
    affects: "all checks, because deadlines may pass and processes may be killed without a fault of the server",
    help: "give the container a processor and 1 GiB (docker run --cpus 1 --memory 1g), or use --jobs 1 and --timeout-scale 3",
};

/// The requirement that the system has Unix domain sockets of type `SOCK_SEQPACKET`.
pub const SEQPACKET: Requirement = Requirement {
    name: "seqpacket sockets",
    affects: "the transport unix-seqpacket",
    help: "use Linux or FreeBSD; macOS lacks them",
};

/// The requirement that the system has Unix domain sockets with abstract names.
pub const ABSTRACT_NAMES: Requirement = Requirement {
    name: "abstract names",
    affects: "the check of sockets without a file: path/abstract-name",
    help: "use Linux; other systems lack them",
};

/// The requirement that the harness does not ignore signals.
pub const SIGNALS_NOT_IGNORED: Requirement = Requirement {
    name: "signals",
    affects: "Ctrl-C and hang-ups during a run, but no check: servers start with all signals at their defaults",
    help: "start echospec without nohup",
};

/// The requirement that the user may bind ports below 1024.
pub const PRIVILEGED_PORTS: Requirement = Requirement {
    name: "privileged ports",
    affects: "the check with datagrams from port 7: port/echo-loop, which is for information only",
    help: "run as root or with CAP_NET_BIND_SERVICE",
};

/// The requirement that the user may capture packets on the loopback interface.
pub const PACKET_CAPTURE: Requirement = Requirement {
    name: "packets",
    affects: "checks of packets: wire/*, life/survives-source-port-zero, and echospec capture",
    help: "Linux: run as root, or: sudo setcap cap_net_raw+ep \"$(command -v echospec)\", or in a container: \
           --cap-add NET_RAW; other systems have no such sockets",
};

/// The requirement that the shell `/bin/sh` exists.
pub const SHELL: Requirement = Requirement {
    name: "a shell",
    affects: "servers that receive a listener (LISTEN_PID), and ending the servers of a run that is killed",
    help: "provide /bin/sh",
};

/// The requirement that echospec was built with optimisation.
pub const OPTIMISED_BUILD: Requirement = Requirement {
    name: "optimised build",
    affects: "the times of the client and of bundled servers, which are built without optimisation",
    help: "cargo build --release --bins, or cargo install",
};

/// The requirement that the process may use two processors.
pub const SECOND_PROCESSOR: Requirement = Requirement {
    name: "second processor",
    affects: "placements on two processors: all except same and free",
    help: "let this process use two (taskset -c 0,1; docker run --cpuset-cpus 0,1)",
};

/// The requirement that the container has no processor quota.
pub const NO_PROCESSOR_QUOTA: Requirement = Requirement {
    name: "processor quota",
    affects: "the times of messages, because a process that has used up its quota stops until the next period, up to 0.1 s",
    help: "docker run without --cpus (--cpuset-cpus binds without a quota), CPUQuota= of systemd, or cpu.max: max",
};

/// The requirement that the processors run at a fixed frequency.
pub const FIXED_FREQUENCY: Requirement = Requirement {
    name: "frequency governor",
    affects: "all times, because the frequency follows the load, which falls whenever one side waits",
    help: "sudo cpupower frequency-set -g performance",
};

/// The requirement that the machine has a clock source that is read without a system call.
pub const FAST_CLOCK: Requirement = Requirement {
    name: "clock source",
    affects: "the times of short messages, because reading this clock is a slow system call",
    help: "boot with clocksource=tsc, if the machine's time stamp counter is reliable; in a guest, ask its host for one",
};

/// The requirement that no other processes are running.
pub const QUIET_MACHINE: Requirement = Requirement {
    name: "quiet machine",
    affects: "all times, because other processes compete for processors, caches and memory",
    help: "end other processes, wait a minute, and measure again",
};

/// The requirement that the hypervisor gives no time to other guests.
pub const NO_STOLEN_TIME: Requirement = Requirement {
    name: "stolen time",
    affects: "all times, because the hypervisor ran other guests meanwhile",
    help: "use a machine or guest with its own processors, or trust ratios more than times",
};

/// The requirement that TCP does not pace what it sends.
pub const UNPACED_TCP: Requirement = Requirement {
    name: "congestion control",
    affects: "the throughput of TCP, which BBR reduces, on loopback to a fifth of that of cubic",
    help: "--congestion cubic, or: sudo sysctl net.ipv4.tcp_congestion_control=cubic",
};

/// The requirement that system calls can be counted.
pub const SYSTEM_CALL_COUNTING: Requirement = Requirement {
    name: "system calls",
    affects: "the number of system calls for each message in echospec compare",
    help: "Linux: run as root; in a container: --cap-add PERFMON --cap-add SYS_ADMIN, and a seccomp profile that allows \
           perf_event_open; macOS permits everyone",
};

/// The requirement that the idle states of processors can be disabled.
pub const NO_IDLE_STATES: Requirement = Requirement {
    name: "idle states",
    affects: "the placement cross-polling, on two processors that do not sleep",
    help: "Linux: run as root, or let this user write to /dev/cpu_dma_latency; in a container: --device /dev/cpu_dma_latency",
};

/// The requirement that POSIX message queues accept large messages.
pub const LARGE_QUEUES: Requirement = Requirement {
    name: "POSIX message queues",
    affects: "messages of 64 KiB over mqueue in echospec compare",
    help: "Linux: sudo sysctl fs.mqueue.msgsize_max=65536, or run with CAP_SYS_RESOURCE; macOS has none",
};

/// The requirement that the process may use io_uring.
pub const IO_URING: Requirement = Requirement {
    name: "io_uring",
    affects: "the mechanism tcp-uring in echospec compare",
    help: "Linux 5.6 or later; sudo sysctl kernel.io_uring_disabled=0; in a container a seccomp profile that allows it",
};

impl Finding {
    /// Creates the finding that a check cannot run because the machine lacks `requirement`. The report says how to
    /// provide it.
    pub(crate) fn missing_requirement(
        requirement: &Requirement,
        needed: impl Into<String>,
        found: impl Into<String>,
    ) -> Finding {
        let Requirement { name, help, .. } = requirement;
        Finding::unsupported(needed, found).because(format!("limited on this machine: {name}; help: {help}"))
    }
}
