//! What a machine can lack for some checks: the doctor and the checks themselves say it in the same words.

use crate::check::Finding;

/// Something that not every machine has.
#[derive(Debug)]
pub struct MissingRequirement {
    /// What it is.
    pub name: &'static str,
    /// What cannot be told or done without it.
    pub without: &'static str,
    /// What would mend it.
    pub mend: &'static str,
}

/// A list of all processes, and what they hold.
pub const PROCESS_TABLE: MissingRequirement = MissingRequirement {
    name: "process table",
    without: "which processes a server makes, what they hold, whether they are left: most checks of fd/, life/no-*",
    mend: "mount /proc (Linux), and run as the server's own user; other systems do not tell",
};

/// A list of all connections.
pub const CONNECTION_TABLE: MissingRequirement = MissingRequirement {
    name: "connection table",
    without: "whether a connection is in TIME_WAIT, what a server has not yet read, what it buffers",
    mend: "mount /proc (Linux); elsewhere a bind stands in as the proof of TIME_WAIT",
};

/// What each process uses.
pub const PROCESSOR_TIME: MissingRequirement = MissingRequirement {
    name: "processor time",
    without: "whether a server spins, or grows: load/idle, load/no-*",
    mend: "mount /proc (Linux)",
};

/// A list of what outlives its maker.
pub const KERNEL_OBJECTS: MissingRequirement = MissingRequirement {
    name: "kernel objects",
    without: "what a server leaves in the kernel: life/leaves-nothing-behind",
    mend: "mount /proc, and a tmpfs on /dev/shm (Linux); other systems do not tell",
};

/// More addresses than one.
pub const MORE_LOOPBACK: MissingRequirement = MissingRequirement {
    name: "127.0.0.2 and 127.0.0.3",
    without: "one port from two addresses: port/same-source-port; servers bound to every address",
    mend: "Linux has them; on macOS: sudo ifconfig lo0 alias 127.0.0.2 up, and 127.0.0.3",
};

/// `::1`.
pub const IPV6_LOOPBACK: MissingRequirement = MissingRequirement {
    name: "IPv6 loopback",
    without: "servers asked to listen on [::1]",
    mend: "enable IPv6 on the loopback interface (Linux: sysctl net.ipv6.conf.lo.disable_ipv6=0)",
};

/// Room for large crowds of clients.
pub const DESCRIPTORS: MissingRequirement = MissingRequirement {
    name: "descriptors",
    without: "more than a thousand clients at once: load/beyond-fd-setsize",
    mend: "raise the hard limit: ulimit -Hn 4096, LimitNOFILE= or docker run --ulimit nofile=4096",
};

/// Room for a process for each client.
pub const PROCESSES: MissingRequirement = MissingRequirement {
    name: "processes",
    without: "200 clients of a server with a process for each",
    mend: "raise ulimit -u, or the container's pids limit, to 1000",
};

/// Memory and processors enough.
pub const CONTAINER: MissingRequirement = MissingRequirement {
    name: "container",
    without: "deadlines may pass, and processes be killed, for reasons that are not the server's",
    mend: "give the container a processor and 1 GiB (docker run --cpus 1 --memory 1g), or use --jobs 1 and --timeout-scale 3",
};

/// `SOCK_SEQPACKET` among Unix domain sockets.
pub const SEQPACKET: MissingRequirement = MissingRequirement {
    name: "seqpacket sockets",
    without: "the transport unix-seqpacket",
    mend: "Linux and FreeBSD have them, macOS does not",
};

/// Names of sockets that are no files.
pub const ABSTRACT_NAMES: MissingRequirement = MissingRequirement {
    name: "abstract names",
    without: "sockets that are not in the file system: path/abstract-name",
    mend: "Linux has them, other systems do not",
};

/// Signals that get through to the harness.
pub const SIGNALS: MissingRequirement = MissingRequirement {
    name: "signals",
    without: "nothing: servers are started with all signals at their defaults, whatever we were started with",
    mend: "start without nohup to let Ctrl-C and hang-ups through",
};

/// Ports below 1024.
pub const PRIVILEGED_PORTS: MissingRequirement = MissingRequirement {
    name: "privileged ports",
    without: "datagrams that pretend to come from another echo server: port/echo-loop",
    mend: "run as root or with CAP_NET_BIND_SERVICE, or leave it: it is for information only",
};

/// A look at what passes on the loopback interface.
pub const PACKETS: MissingRequirement = MissingRequirement {
    name: "packets",
    without: "what passes on the wire: wire/*, echospec capture",
    mend: "Linux: run as root, or: sudo setcap cap_net_raw+ep \"$(command -v echospec)\", or in a container: \
           --cap-add NET_RAW; other systems have no such sockets",
};

/// `/bin/sh`.
pub const SHELL: MissingRequirement = MissingRequirement {
    name: "a shell",
    without: "passing listeners (LISTEN_PID), and ending the servers of a run that is killed",
    mend: "provide /bin/sh",
};

/// Programs that were built to be fast.
pub const OPTIMISED: MissingRequirement = MissingRequirement {
    name: "optimised build",
    without: "how fast the bundled servers and the client are: nothing was optimised when they were built",
    mend: "cargo build --release --bins, or cargo install",
};

/// Another processor for the other side.
pub const SECOND_PROCESSOR: MissingRequirement = MissingRequirement {
    name: "second processor",
    without: "what mechanisms cost between two processors: every placement but same and free",
    mend: "let this process use two (taskset -c 0,1; docker run --cpuset-cpus 0,1)",
};

/// Processors without a quota.
pub const QUOTA: MissingRequirement = MissingRequirement {
    name: "processor quota",
    without: "how long a message takes by itself: who has used up its quota stands still until the next period, up to 0.1 s",
    mend: "docker run without --cpus (--cpuset-cpus binds without a quota), CPUQuota= of systemd, or cpu.max: max",
};

/// Processors at one speed.
pub const GOVERNOR: MissingRequirement = MissingRequirement {
    name: "frequency governor",
    without: "how fast a mechanism is at full speed: the frequency follows the load, which falls whenever one side waits",
    mend: "sudo cpupower frequency-set -g performance",
};

/// A clock that is read without a system call.
pub const CLOCK: MissingRequirement = MissingRequirement {
    name: "clock source",
    without: "how long short messages take: reading such a clock is a system call, and a slow one",
    mend: "boot with clocksource=tsc, if the machine's time stamp counter can be trusted; in a guest, ask its host for one",
};

/// Nobody else.
pub const QUIET: MissingRequirement = MissingRequirement {
    name: "quiet machine",
    without: "how fast the mechanisms are alone: others compete for processors, caches and memory",
    mend: "end what else runs, wait a minute, and measure again",
};

/// A hypervisor that gives all the time there is.
pub const OWN_TIME: MissingRequirement = MissingRequirement {
    name: "stolen time",
    without: "how fast the mechanisms are on a machine of their own: the hypervisor ran others meanwhile",
    mend: "a machine of its own, or guests that do not share their processors; else trust ratios more than times",
};

/// TCP that sends as fast as it can.
pub const CONGESTION: MissingRequirement = MissingRequirement {
    name: "congestion control",
    without: "what TCP carries at its best: BBR paces what is sent, on loopback to a fifth of what cubic sends",
    mend: "--congestion cubic, or: sudo sysctl net.ipv4.tcp_congestion_control=cubic",
};

/// A counter of system calls.
pub const SYSTEM_CALLS: MissingRequirement = MissingRequirement {
    name: "system calls",
    without: "how many system calls a message costs: echospec compare",
    mend: "Linux: run as root; in a container: --cap-add PERFMON --cap-add SYS_ADMIN, and a seccomp profile that allows \
           perf_event_open; macOS tells everyone",
};

/// Processors that can be kept from sleeping.
pub const AWAKE: MissingRequirement = MissingRequirement {
    name: "idle states",
    without: "what mechanisms cost between processors that are awake: the placement cross-polling",
    mend: "Linux: run as root, or let this user write to /dev/cpu_dma_latency; in a container: --device /dev/cpu_dma_latency",
};

/// Queues for large messages.
pub const LARGE_QUEUES: MissingRequirement = MissingRequirement {
    name: "POSIX message queues",
    without: "how they carry messages of 64 KiB: mqueue in echospec compare",
    mend: "Linux: sudo sysctl fs.mqueue.msgsize_max=65536, or run with CAP_SYS_RESOURCE; macOS has none",
};

/// Rings between a process and its kernel.
pub const IO_URING: MissingRequirement = MissingRequirement {
    name: "io_uring",
    without: "how it compares with the system calls that it stands in for: tcp-uring in echospec compare",
    mend: "Linux 5.6 or later; sudo sysctl kernel.io_uring_disabled=0; in a container a seccomp profile that allows it",
};

impl Finding {
    /// A check cannot be run, for want of `lack`; the report says what would mend it.
    pub fn missing(
        lack: &MissingRequirement,
        needed: impl Into<String>,
        found: impl Into<String>,
    ) -> Finding {
        let MissingRequirement { name, mend, .. } = lack;
        Finding::unsupported(needed, found).because(format!("limited here: {name}; to mend it: {mend}"))
    }
}
